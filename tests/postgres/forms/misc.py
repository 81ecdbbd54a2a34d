"""Forms on generated columns, unlogged tables, other schema names and small oddities."""

from __future__ import annotations

from typing import Final

from tests.postgres.forms.rows import ROWS
from tests.postgres.proving import Form

MISC_SETUP: Final = f"""
CREATE SCHEMA app;
CREATE TABLE app.item (id int PRIMARY KEY, name varchar(10));
CREATE INDEX item_name ON app.item (name);
CREATE TABLE app.part (id int PRIMARY KEY, item_id int REFERENCES app.item (id));
CREATE VIEW app.items AS SELECT id FROM app.item;
CREATE TABLE item (id int PRIMARY KEY, app_item int REFERENCES app.item (id));
CREATE VIEW app.more AS SELECT id FROM app.items;
CREATE VIEW app.abroad AS SELECT id FROM item;
CREATE TABLE hollow (x int);
CREATE TABLE keyless (id int CHECK (id IS NOT NULL), x int NOT NULL);
CREATE UNIQUE INDEX keyless_x ON keyless (x);
CREATE UNIQUE INDEX keyless_id ON keyless (id);
CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY, x int);
CREATE TABLE gen (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE room (id int, during int4range, CONSTRAINT room_excl EXCLUDE USING gist (during WITH &&));
CREATE TABLE counted (id serial PRIMARY KEY, x int);
CREATE TABLE nopk (id int, x int);
CREATE TABLE tagged (id int PRIMARY KEY, tag varchar(10) UNIQUE, kind varchar(10),
                     CONSTRAINT tagged_kind CHECK (kind <> ''));
INSERT INTO app.item SELECT g, 'n' FROM generate_series(1, {ROWS}) g;
INSERT INTO app.part SELECT g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO keyless SELECT g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO item SELECT g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO scratch SELECT g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO gen SELECT g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO room SELECT g, int4range(g, g + 1) FROM generate_series(1, {ROWS}) g;
INSERT INTO counted (x) SELECT g FROM generate_series(1, {ROWS}) g;
INSERT INTO nopk SELECT g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO tagged SELECT g, 't' || g, 'k' FROM generate_series(1, {ROWS}) g;
"""

MISC_FORMS: Final = (
    Form("DROP SCHEMA app CASCADE", loses=True),
    Form("DROP VIEW app.items CASCADE"),
    Form("ALTER TABLE hollow ADD COLUMN a int NOT NULL", breaks="INSERT INTO hollow VALUES (1)"),
    Form("ALTER TABLE hollow ADD COLUMN a int PRIMARY KEY", breaks="INSERT INTO hollow VALUES (1)"),
    Form(
        "ALTER TABLE hollow ADD COLUMN a int DEFAULT 1 UNIQUE",
        breaks="INSERT INTO hollow VALUES (1), (2)",
    ),
    Form(
        "ALTER TABLE hollow ADD COLUMN a int CHECK (a IS NOT NULL)",
        breaks="INSERT INTO hollow VALUES (1)",
    ),
    Form("ALTER TABLE keyless ADD CONSTRAINT pk PRIMARY KEY USING INDEX keyless_x"),
    Form("ALTER TABLE keyless ADD CONSTRAINT pk PRIMARY KEY USING INDEX keyless_id"),
    Form("ALTER SCHEMA app RENAME TO app2"),
    Form("DROP TABLE app.part", loses=True),
    Form("ALTER TABLE app.item ADD COLUMN a int"),
    Form("ALTER TABLE item ADD COLUMN a serial"),
    Form("ALTER TABLE public.item ADD COLUMN a int"),
    Form("CREATE INDEX z ON app.item (name)"),
    Form("DROP INDEX app.item_name"),
    Form("ALTER TABLE item DROP CONSTRAINT item_app_item_fkey"),
    Form("ALTER TABLE scratch SET LOGGED"),
    Form("ALTER TABLE scratch SET UNLOGGED"),
    Form("ALTER TABLE gen ALTER b DROP EXPRESSION"),
    Form("ALTER TABLE gen ALTER b SET EXPRESSION AS (a + 2)", majors=(18,)),
    Form(
        "ALTER TABLE gen ADD c int GENERATED ALWAYS AS (a) VIRTUAL;\n"
        "ALTER TABLE gen ALTER c SET EXPRESSION AS (a + 2)",
        majors=(18,),
    ),
    Form("ALTER TABLE gen DROP COLUMN b", loses=True),
    Form("ALTER TABLE room ALTER during TYPE int4range"),
    Form("ALTER TABLE room DROP CONSTRAINT room_excl"),
    Form("ALTER TABLE counted ALTER id TYPE bigint"),
    Form("ALTER TABLE counted ALTER id DROP DEFAULT"),
    Form("ALTER SEQUENCE counted_id_seq RENAME TO c_seq"),
    Form("ALTER SEQUENCE counted_id_seq OWNED BY NONE"),
    Form("DROP SEQUENCE counted_id_seq CASCADE", doubtful=True),
    Form("INSERT INTO counted (x) VALUES (1)"),
    Form("TRUNCATE counted RESTART IDENTITY", loses=True),
    Form("ALTER TABLE nopk ADD PRIMARY KEY (id)", breaks="UPDATE nopk SET id = 1"),
    Form("ALTER TABLE nopk ADD COLUMN pk serial PRIMARY KEY"),
    Form("ALTER TABLE nopk ADD COLUMN pk int GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    Form("UPDATE nopk SET x = 2 WHERE id = 1"),
    Form("DELETE FROM nopk WHERE id = 1"),
    Form("ALTER TABLE tagged ALTER tag TYPE varchar(20)"),
    Form('ALTER TABLE tagged ALTER tag TYPE varchar(10) COLLATE "C"'),
    Form("ALTER TABLE tagged ALTER kind TYPE varchar(20)"),
    Form("ALTER TABLE tagged ALTER kind TYPE text, ALTER tag TYPE text"),
    Form("UPDATE tagged SET kind = 'x' WHERE tag = 't5'"),
    Form("UPDATE tagged SET kind = 'x' WHERE kind = 't5'"),
    Form("ALTER TABLE tagged RENAME kind TO sort;\nALTER TABLE tagged ALTER sort TYPE text"),
)
