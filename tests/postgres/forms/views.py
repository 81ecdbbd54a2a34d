"""Forms on views of both kinds."""

from __future__ import annotations

from typing import Final

from tests.postgres.forms.rows import ROWS
from tests.postgres.proving import Form

VIEWS_SETUP: Final = f"""
CREATE SCHEMA other;
CREATE TABLE base (id int PRIMARY KEY, a text, b int);
CREATE TABLE aside (id int PRIMARY KEY);
CREATE VIEW top AS SELECT id, a FROM base;
CREATE VIEW over AS SELECT id FROM top WHERE a IS NOT NULL;
CREATE MATERIALIZED VIEW mat AS SELECT id, a FROM base;
CREATE UNIQUE INDEX mat_id ON mat (id);
CREATE MATERIALIZED VIEW deep AS SELECT over.id FROM over JOIN aside USING (id);
INSERT INTO base SELECT g, 'a', g FROM generate_series(1, {ROWS}) g;
INSERT INTO aside SELECT g FROM generate_series(1, {ROWS}) g;
REFRESH MATERIALIZED VIEW mat;
REFRESH MATERIALIZED VIEW deep;
"""

VIEWS_FORMS: Final = (
    Form("CREATE VIEW n AS SELECT * FROM over"),
    Form("CREATE MATERIALIZED VIEW n AS SELECT * FROM over"),
    Form("CREATE TABLE n AS SELECT * FROM over"),
    Form("CREATE OR REPLACE VIEW top AS SELECT id, a, b FROM base"),
    Form("DROP VIEW over CASCADE", loses=True),
    Form("DROP VIEW top CASCADE", loses=True),
    Form("DROP MATERIALIZED VIEW mat", loses=True),
    Form("DROP MATERIALIZED VIEW IF EXISTS deep", loses=True),
    Form("ALTER VIEW top RENAME TO top2"),
    Form("ALTER VIEW top SET (security_barrier = true)"),
    Form("ALTER VIEW top RENAME COLUMN a TO aa"),
    Form("ALTER VIEW top OWNER TO postgres"),
    Form("ALTER VIEW top SET SCHEMA other"),
    Form("ALTER MATERIALIZED VIEW mat SET SCHEMA other"),
    Form("ALTER MATERIALIZED VIEW mat OWNER TO postgres"),
    Form("ALTER MATERIALIZED VIEW mat SET (fillfactor = 80)"),
    Form("ALTER MATERIALIZED VIEW mat CLUSTER ON mat_id"),
    Form("INSERT INTO aside SELECT id + 100000 FROM over"),
    Form("ALTER VIEW top ALTER COLUMN a SET DEFAULT 'x'"),
    Form("ALTER MATERIALIZED VIEW mat RENAME TO mat2"),
    Form("REFRESH MATERIALIZED VIEW mat"),
    Form("REFRESH MATERIALIZED VIEW CONCURRENTLY mat"),
    Form("REFRESH MATERIALIZED VIEW mat WITH NO DATA"),
    Form("REFRESH MATERIALIZED VIEW deep"),
    Form("CREATE INDEX z ON mat (a)"),
    Form("ALTER MATERIALIZED VIEW mat ALTER a SET STATISTICS 10"),
    Form("VACUUM FULL base"),
    Form("DROP INDEX mat_id"),
    Form("SELECT * FROM over"),
    Form("SELECT * FROM mat"),
    Form("INSERT INTO top VALUES (100000, 'x')"),
    Form("UPDATE top SET a = 'x'"),
    Form("DELETE FROM top", loses=True),
    Form("DROP TABLE base CASCADE", loses=True),
    Form("ALTER TABLE base DROP COLUMN a CASCADE", loses=True),
    Form("ALTER TABLE base ADD COLUMN c int"),
    Form("ALTER TABLE base RENAME COLUMN a TO aa"),
    Form("ALTER TABLE base RENAME TO base2"),
    Form("LOCK TABLE over IN SHARE MODE"),
    Form("COMMENT ON VIEW top IS 'x'"),
    Form("COMMENT ON MATERIALIZED VIEW mat IS 'x'"),
    Form("TRUNCATE base", loses=True),
)
