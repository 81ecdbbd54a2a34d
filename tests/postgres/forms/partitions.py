"""Forms on partitioned tables and on plain inheritance."""

from __future__ import annotations

from typing import Final

from tests.postgres.forms.rows import ROWS
from tests.postgres.proving import Form

PARTS_SETUP: Final = f"""
CREATE TABLE ref (id int PRIMARY KEY);
CREATE TABLE m (id int NOT NULL, at date NOT NULL, v varchar(10), r int REFERENCES ref (id),
                g int, PRIMARY KEY (id, at), CONSTRAINT m_g CHECK (g > 0)) PARTITION BY RANGE (at);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE m2 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE md PARTITION OF m DEFAULT;
CREATE INDEX m_v ON m (v);
CREATE TABLE bare (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE bare1 PARTITION OF bare FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE one (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE one1 PARTITION OF one FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE li (id int, kind text) PARTITION BY LIST (kind);
CREATE TABLE empty (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE keyed (id int PRIMARY KEY, at date) PARTITION BY RANGE (id);
CREATE TABLE trig (id int) PARTITION BY RANGE (id);
CREATE TABLE trig1 PARTITION OF trig DEFAULT;
CREATE TRIGGER tr AFTER INSERT ON trig FOR EACH ROW
    EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE fk_parts (r int REFERENCES ref (id), at date) PARTITION BY RANGE (at);
CREATE TABLE fk_cand (r int, at date NOT NULL,
    CONSTRAINT b CHECK (at >= '2027-01-01' AND at < '2028-01-01'));
CREATE TABLE irrelevant (id int NOT NULL, at date NOT NULL, CONSTRAINT b CHECK (id > 0));
CREATE TABLE fresh (id int NOT NULL, at date NOT NULL, v varchar(10), r int, g int);
CREATE TABLE fresh_g (id int NOT NULL, at date NOT NULL, v varchar(10), r int, g int,
                      CONSTRAINT m_g CHECK (g > 0));
CREATE TABLE cand (id int, at date);
CREATE TABLE proved (id int, at date NOT NULL,
    CONSTRAINT b CHECK (at >= '2027-01-01' AND at < '2028-01-01'));
CREATE TABLE proved_null (id int, at date,
    CONSTRAINT b CHECK (at >= '2027-01-01' AND at < '2028-01-01'));
CREATE TABLE proved_both (id int, at date,
    CONSTRAINT b CHECK (at IS NOT NULL AND at >= '2027-01-01' AND at < '2028-01-01'));
CREATE TABLE other_bound (id int, at date NOT NULL,
    CONSTRAINT b CHECK (at >= '2027-02-01' AND at < '2028-02-01'));
CREATE TABLE unproved (id int, at date NOT NULL);
ALTER TABLE unproved
    ADD CONSTRAINT b CHECK (at >= '2027-01-01' AND at < '2028-01-01') NOT VALID;
CREATE TABLE li_cand (id int, kind text NOT NULL, CONSTRAINT b CHECK (kind IN ('a', 'b')));
CREATE TABLE li_bare (id int, kind text NOT NULL);
CREATE TABLE key_cand (id int NOT NULL, at date);
CREATE TABLE key_ready (id int PRIMARY KEY, at date);
CREATE TABLE par (id int, v varchar(10), z int);
CREATE TABLE kid (extra int) INHERITS (par);
CREATE TABLE free (id int, v varchar(10), z int);
CREATE INDEX par_v ON par (v);
ALTER TABLE par ADD CONSTRAINT par_u UNIQUE (id);
INSERT INTO ref SELECT g FROM generate_series(1, {ROWS}) g;
INSERT INTO m SELECT g, '2024-01-01'::date + g % 300, 'v', g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO m SELECT g, '2025-01-01'::date + g % 300, 'v', g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO m SELECT g, '2030-01-01'::date + g % 300, 'v', g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO bare SELECT g, '2024-01-01'::date + g % 300 FROM generate_series(1, {ROWS}) g;
INSERT INTO one SELECT g, '2024-01-01'::date + g % 300 FROM generate_series(1, {ROWS}) g;
INSERT INTO fk_cand SELECT g, '2027-01-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO irrelevant SELECT g, '2027-01-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO fresh SELECT g, '2027-01-01', 'v', g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO fresh_g SELECT g, '2027-01-01', 'v', g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO cand SELECT g, '2027-01-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO proved SELECT g, '2027-01-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO proved_null SELECT g, '2027-01-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO proved_both SELECT g, '2027-01-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO other_bound SELECT g, '2027-03-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO unproved SELECT g, '2027-01-01' FROM generate_series(1, {ROWS}) g;
INSERT INTO li_cand SELECT g, 'a' FROM generate_series(1, {ROWS}) g;
INSERT INTO li_bare SELECT g, 'a' FROM generate_series(1, {ROWS}) g;
INSERT INTO key_cand SELECT g, now() FROM generate_series(1, {ROWS}) g;
INSERT INTO key_ready SELECT g, now() FROM generate_series(1, {ROWS}) g;
INSERT INTO par SELECT g, 'v', g FROM generate_series(1, {ROWS}) g;
INSERT INTO kid SELECT g, 'v', g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO free SELECT g, 'v', g FROM generate_series(1, {ROWS}) g;
"""

_YEAR_2027: Final = "FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')"

PARTS_FORMS: Final = (
    Form("ALTER TABLE m ADD COLUMN a int"),
    Form("ALTER TABLE m ADD COLUMN a uuid DEFAULT gen_random_uuid()"),
    Form("ALTER TABLE m DROP COLUMN v", loses=True),
    Form("ALTER TABLE m RENAME COLUMN v TO v2"),
    Form("ALTER TABLE m ALTER v SET NOT NULL", breaks="UPDATE m SET v = NULL"),
    Form("ALTER TABLE m1 ALTER v SET NOT NULL", breaks="UPDATE m SET v = NULL"),
    Form("ALTER TABLE m ALTER v TYPE text"),
    Form("ALTER TABLE m ALTER v TYPE int USING 1"),
    Form("ALTER TABLE m ALTER g TYPE bigint"),
    Form("ALTER TABLE m ALTER r TYPE bigint"),
    Form("ALTER TABLE m ALTER v SET DEFAULT 'x'"),
    Form("ALTER TABLE m ALTER v SET STATISTICS 10"),
    Form(
        "ALTER TABLE m ADD CONSTRAINT q CHECK (id > 0)", breaks="UPDATE m SET id = 0 WHERE id = 1"
    ),
    Form("ALTER TABLE m ADD CONSTRAINT q CHECK (id > 0) NOT VALID"),
    Form(
        "ALTER TABLE m ADD CONSTRAINT q CHECK (id > 0) NOT VALID;\n"
        "ALTER TABLE m VALIDATE CONSTRAINT q",
        breaks="UPDATE m SET id = 0 WHERE id = 1",
    ),
    Form("ALTER TABLE m DROP CONSTRAINT m_g"),
    Form("ALTER TABLE m DROP CONSTRAINT m_r_fkey"),
    Form("ALTER TABLE m RENAME CONSTRAINT m_g TO m_g2"),
    Form("ALTER TABLE m DROP CONSTRAINT m_pkey"),
    Form(
        "ALTER TABLE m ADD CONSTRAINT u UNIQUE (g, at)",
        breaks="UPDATE m SET g = 1 WHERE at = '2024-01-01'",
    ),
    Form("ALTER TABLE one ADD PRIMARY KEY (id, at)", breaks="UPDATE one SET id = NULL"),
    Form("ALTER TABLE m DISABLE TRIGGER ALL"),
    Form(
        "CREATE TRIGGER g AFTER INSERT ON bare FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger();\n"
        "ALTER TABLE bare DISABLE TRIGGER g"
    ),
    Form(
        "CREATE TRIGGER g AFTER INSERT ON bare FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger();\n"
        "ALTER TRIGGER g ON bare RENAME TO h;\nDROP TRIGGER h ON bare"
    ),
    Form("ALTER TABLE m ADD FOREIGN KEY (g) REFERENCES ref (id)", breaks="UPDATE m SET g = 100000"),
    Form(
        "ALTER TABLE m ADD CONSTRAINT f FOREIGN KEY (g) REFERENCES ref (id) NOT VALID",
        majors=(18,),
    ),
    Form("ALTER TABLE fresh ADD CONSTRAINT f FOREIGN KEY (id, at) REFERENCES m (id, at) NOT VALID"),
    Form("CREATE INDEX z ON m (g)"),
    Form("REINDEX TABLE m", fleeting=True),
    Form("REINDEX INDEX m_v", fleeting=True),
    Form("VACUUM m1"),
    Form("ALTER TABLE bare DETACH PARTITION bare1 CONCURRENTLY", fleeting=True),
    Form("REINDEX TABLE CONCURRENTLY m", fleeting=True),
    Form("VACUUM FULL m", fleeting=True),
    Form("VACUUM m", fleeting=True),
    Form("CLUSTER m USING m_v", fleeting=True),
    Form("CREATE INDEX z ON ONLY m (g)"),
    Form("DROP INDEX m_v"),
    Form("REINDEX TABLE m1"),
    Form("CREATE TABLE n (r int, id int, at date, FOREIGN KEY (id, at) REFERENCES m (id, at))"),
    Form("ALTER TABLE m RENAME TO mm"),
    Form("ALTER TABLE m OWNER TO postgres"),
    Form("ALTER TABLE m SET SCHEMA archive"),
    Form("ALTER TABLE m DISABLE TRIGGER USER"),
    Form("ALTER TABLE m ENABLE ROW LEVEL SECURITY"),
    Form("ALTER TABLE m REPLICA IDENTITY FULL"),
    Form("LOCK TABLE m IN SHARE MODE"),
    Form("TRUNCATE m", loses=True),
    Form("TRUNCATE m1", loses=True),
    Form("DROP TABLE m", loses=True),
    Form("DROP TABLE m1", loses=True),
    Form("DROP TABLE bare1", loses=True),
    Form("DROP TABLE md", loses=True),
    Form("ALTER TABLE bare DISABLE TRIGGER ALL"),
    Form("ALTER TABLE trig DISABLE TRIGGER tr"),
    Form("ALTER TABLE trig DISABLE TRIGGER ALL"),
    Form("ALTER TABLE trig OWNER TO postgres"),
    Form("DROP TRIGGER tr ON trig"),
    Form("DROP TRIGGER IF EXISTS tr ON trig"),
    Form("ALTER TRIGGER tr ON trig RENAME TO tr2"),
    Form("ALTER TABLE bare ATTACH PARTITION proved DEFAULT", may_fail=("23514",), doubtful=True),
    Form(
        f"ALTER TABLE fk_parts ATTACH PARTITION fk_cand {_YEAR_2027}",
        breaks="UPDATE fk_cand SET r = 100000",
    ),
    Form(
        f"ALTER TABLE bare ATTACH PARTITION irrelevant {_YEAR_2027}",
        breaks="UPDATE irrelevant SET at = '2000-01-01'",
    ),
    Form("CREATE INDEX zz ON ONLY par (z)"),
    Form("ALTER TABLE m DETACH PARTITION m1"),
    Form("ALTER TABLE m DETACH PARTITION md"),
    Form("ALTER TABLE bare DETACH PARTITION bare1"),
    Form(
        "CREATE TABLE m3 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        breaks="INSERT INTO m VALUES (100000, '2026-05-05')",
    ),
    Form("CREATE TABLE b2 PARTITION OF bare FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"),
    Form("CREATE TABLE bd PARTITION OF bare DEFAULT"),
    Form(
        f"ALTER TABLE m ATTACH PARTITION fresh_g {_YEAR_2027}",
        breaks="UPDATE fresh_g SET at = '2029-01-01'",
    ),
    Form(
        f"ALTER TABLE bare ATTACH PARTITION cand {_YEAR_2027}",
        breaks="UPDATE cand SET at = '2029-01-01'",
    ),
    Form(f"ALTER TABLE bare ATTACH PARTITION proved {_YEAR_2027}"),
    Form(
        f"ALTER TABLE bare ATTACH PARTITION proved_null {_YEAR_2027}",
        breaks="UPDATE proved_null SET at = NULL",
    ),
    Form(f"ALTER TABLE bare ATTACH PARTITION proved_both {_YEAR_2027}"),
    Form(
        "ALTER TABLE bare ATTACH PARTITION other_bound FOR VALUES FROM ('2027-01-01') TO"
        " ('2030-01-01')"
    ),
    Form(
        f"ALTER TABLE bare ATTACH PARTITION unproved {_YEAR_2027}",
        breaks="ALTER TABLE unproved DROP CONSTRAINT b; UPDATE unproved SET at = '2000-01-01'",
    ),
    Form("ALTER TABLE bare ATTACH PARTITION cand DEFAULT", may_fail=("23514",)),
    Form("ALTER TABLE empty ATTACH PARTITION cand DEFAULT"),
    Form("ALTER TABLE li ATTACH PARTITION li_cand FOR VALUES IN ('a', 'b')"),
    Form("ALTER TABLE li ATTACH PARTITION li_cand FOR VALUES IN ('a', 'b', 'c')"),
    Form(
        "ALTER TABLE li ATTACH PARTITION li_bare FOR VALUES IN ('a', 'b')",
        breaks="UPDATE li_bare SET kind = 'z'",
    ),
    Form(
        "ALTER TABLE keyed ATTACH PARTITION key_cand FOR VALUES FROM (1) TO (100000)",
        may_fail=(
            "23514",
            "23505",
        ),
    ),
    Form(
        "ALTER TABLE keyed ATTACH PARTITION key_ready FOR VALUES FROM (1) TO (100000)",
        may_fail=("23514",),
    ),
    Form("INSERT INTO one VALUES (1, '2024-05-05')"),
    Form("UPDATE one SET id = 1"),
    Form("DELETE FROM one", loses=True),
    Form("SELECT * FROM m"),
    Form("ANALYZE m"),
    Form(
        "CREATE TRIGGER g AFTER INSERT ON m FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    Form("CREATE STATISTICS st ON id, g FROM m"),
    Form("COMMENT ON TABLE m IS 'x'"),
    Form("CREATE POLICY po ON m USING (true)"),
    Form("ALTER TABLE par ADD COLUMN a int"),
    Form("ALTER TABLE par ADD COLUMN a serial"),
    Form("ALTER TABLE par DROP COLUMN v", loses=True),
    Form("ALTER TABLE par ALTER v TYPE text"),
    Form("ALTER TABLE par ALTER v TYPE int USING 1"),
    Form("ALTER TABLE par ALTER v SET NOT NULL", breaks="UPDATE par SET v = NULL"),
    Form("ALTER TABLE par ADD CONSTRAINT q CHECK (z > 0)", breaks="UPDATE kid SET z = 0"),
    Form("ALTER TABLE par RENAME COLUMN v TO v2"),
    Form("CREATE INDEX zz ON par (z)"),
    Form("INSERT INTO par VALUES (100000, 'v', 1)"),
    Form("ALTER TABLE par RENAME CONSTRAINT par_u TO par_u2"),
    Form("ALTER TABLE par DROP CONSTRAINT par_u"),
    Form("ALTER TABLE free INHERIT par"),
    Form("ALTER TABLE kid NO INHERIT par"),
    Form("DROP TABLE kid", loses=True),
    Form("DROP TABLE par CASCADE", loses=True),
    Form("TRUNCATE par", loses=True),
    Form("UPDATE par SET z = 1"),
    Form("SELECT * FROM par"),
    Form("ALTER TABLE par SET (fillfactor = 70)"),
)
