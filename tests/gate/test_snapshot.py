"""A snapshot sees every kind of object and every property that DDL can change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.rows import TupleRow

from alembic_proof.gate.difference import difference
from alembic_proof.gate.servers.base import Server
from alembic_proof.gate.snapshot import ObjectId, Snapshot, SnapshotReader
from tests.servers import FreshDatabase


@dataclass(frozen=True)
class Change:
    """A statement, and how its effect is told; ``given`` comes before the first snapshot."""

    given: str
    statement: str
    told: tuple[str, ...]
    oldest: int = 12


TABLE = "CREATE TABLE t (id int PRIMARY KEY, a text, b varchar(10))"
FUNCTION = "CREATE FUNCTION f(n int) RETURNS int LANGUAGE sql AS 'SELECT n'"
TRIGGER = (
    "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION g()"
)
PARTITIONED = (
    "CREATE TABLE p (k int, v int) PARTITION BY RANGE (k);"
    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)"
)

Database = tuple[psycopg.Connection[TupleRow], SnapshotReader]

CHANGES = {
    # tables
    "table made": Change("", TABLE, ("table t: left over after step",)),
    "table dropped": Change(TABLE, "DROP TABLE t", ("table t: missing after step",)),
    "table elsewhere": Change(
        TABLE,
        "CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s",
        (
            "schema name s: left over after step",
            "table s.t: left over after step",
            "table t: missing after step",
        ),
    ),
    "table options": Change(
        TABLE,
        "ALTER TABLE t SET (fillfactor = 70)",
        ('table t: storage options was not set, is ["fillfactor=70"] after step',),
    ),
    "toast options": Change(
        TABLE,
        "ALTER TABLE t SET (toast.autovacuum_enabled = off)",
        ('table t: toast options was not set, is ["autovacuum_enabled=off"] after step',),
    ),
    "unlogged": Change(
        TABLE,
        "ALTER TABLE t SET UNLOGGED",
        ("table t: persistence was not set, is unlogged after step",),
    ),
    "table comment": Change(
        TABLE,
        "COMMENT ON TABLE t IS 'orders'",
        ("table t: comment was not set, is orders after step",),
    ),
    "row level security": Change(
        TABLE,
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        (
            "table t: forced row level security was not set, is on after step",
            "table t: row level security was not set, is enabled after step",
        ),
    ),
    "replica identity": Change(
        TABLE,
        "ALTER TABLE t REPLICA IDENTITY FULL",
        ("table t: replica identity was not set, is full after step",),
    ),
    "replica identity by index": Change(
        f"{TABLE}; CREATE UNIQUE INDEX u ON t (id)",
        "ALTER TABLE t REPLICA IDENTITY USING INDEX u",
        (
            "table t: replica identity was not set, is index after step",
            "table t: index u: replica identity was not set, is yes after step",
        ),
    ),
    "inheritance": Change(
        f"{TABLE}; CREATE TABLE c (id int NOT NULL, a text, b varchar(10))",
        "ALTER TABLE c INHERIT t",
        (
            'table c: inherits was not set, is ["t"] after step',
            "table c: column a: inherited was not set, is merged after step",
            "table c: column b: inherited was not set, is merged after step",
            "table c: column id: inherited was not set, is merged after step",
        ),
    ),
    "partition": Change(
        PARTITIONED,
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
        ("table p2: left over after step",),
    ),
    "partition detached": Change(
        PARTITIONED,
        "ALTER TABLE p DETACH PARTITION p1",
        (
            'table p1: inherits was ["p"], is not set after step',
            "table p1: partition bound was FOR VALUES FROM (0) TO (10), is not set after step",
            "table p1: column k: inherited was yes, is not set after step",
            "table p1: column v: inherited was yes, is not set after step",
        ),
    ),
    # columns
    "column added": Change(
        TABLE, "ALTER TABLE t ADD c int", ("table t: column c: left over after step",)
    ),
    "column dropped": Change(
        TABLE, "ALTER TABLE t DROP a", ("table t: column a: missing after step",)
    ),
    "column type": Change(
        TABLE,
        "ALTER TABLE t ALTER b TYPE varchar(20)",
        ("table t: column b: type was character varying(10), is character varying(20) after step",),
    ),
    "column default": Change(
        TABLE,
        "ALTER TABLE t ALTER a SET DEFAULT 'x'",
        ("table t: column a: default was not set, is 'x'::text after step",),
    ),
    "column not null": Change(
        TABLE,
        "ALTER TABLE t ALTER a SET NOT NULL",
        ("table t: column a: nullable was yes, is no after step",),
    ),
    "column not null, not valid": Change(
        TABLE,
        "ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID",
        ("table t: column a: nullable was yes, is no (not valid) after step",),
        oldest=18,
    ),
    "identity": Change(
        TABLE,
        "ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        (
            "table t: column id: identity was not set, is always after step",
            "table t: column id: sequence t_id_seq: left over after step",
        ),
    ),
    "generated": Change(
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)",
        "ALTER TABLE t ALTER b DROP EXPRESSION",
        ("table t: column b: generated was stored (a + 1), is not set after step",),
        oldest=13,
    ),
    "collation": Change(
        TABLE,
        'ALTER TABLE t ALTER a TYPE text COLLATE "C"',
        ('table t: column a: collation was not set, is "C" after step',),
    ),
    "column storage": Change(
        TABLE,
        "ALTER TABLE t ALTER a SET STORAGE EXTERNAL",
        ("table t: column a: storage was not set, is external after step",),
    ),
    "compression": Change(
        TABLE,
        "ALTER TABLE t ALTER a SET COMPRESSION pglz",
        ("table t: column a: compression was not set, is p after step",),
        oldest=14,
    ),
    "statistics target": Change(
        TABLE,
        "ALTER TABLE t ALTER a SET STATISTICS 500",
        ("table t: column a: statistics target was not set, is 500 after step",),
    ),
    "column options": Change(
        TABLE,
        "ALTER TABLE t ALTER a SET (n_distinct = 5)",
        ('table t: column a: options was not set, is ["n_distinct=5"] after step',),
    ),
    "column comment": Change(
        TABLE,
        "COMMENT ON COLUMN t.a IS 'note'",
        ("table t: column a: comment was not set, is note after step",),
    ),
    "column grant": Change(
        TABLE,
        "GRANT SELECT (a) ON t TO pg_monitor",
        ('table t: column a: grants was not set, is ["pg_monitor=r/postgres"] after step',),
    ),
    # constraints
    "primary key": Change(
        "CREATE TABLE t (id int NOT NULL)",
        "ALTER TABLE t ADD PRIMARY KEY (id)",
        ("table t: constraint t_pkey: left over after step",),
    ),
    "check": Change(
        TABLE,
        "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID",
        ("table t: constraint c: left over after step",),
    ),
    "check validated": Change(
        f"{TABLE}; ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        ("table t: constraint c: valid was no, is yes after step",),
    ),
    "foreign key deferrable": Change(
        f"{TABLE}; CREATE TABLE c (t int CONSTRAINT fk REFERENCES t)",
        "ALTER TABLE c ALTER CONSTRAINT fk DEFERRABLE",
        (
            (
                "table c: constraint fk: definition was FOREIGN KEY (t) REFERENCES t(id), "
                "is FOREIGN KEY (t) REFERENCES t(id) DEFERRABLE after step"
            ),
        ),
    ),
    "not enforced": Change(
        f"{TABLE}; ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0)",
        "ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT ENFORCED",
        (
            (
                "table t: constraint c: definition was CHECK ((id > 0)), "
                "is CHECK ((id > 0)) NOT ENFORCED after step"
            ),
            "table t: constraint c: valid was yes, is not enforced after step",
        ),
        oldest=18,
    ),
    "constraint renamed": Change(
        f"{TABLE}; ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)",
        "ALTER TABLE t RENAME CONSTRAINT u TO v",
        (
            "table t: constraint u: missing after step",
            "table t: constraint v: left over after step",
        ),
    ),
    # indexes
    "index": Change(TABLE, "CREATE INDEX i ON t (a)", ("table t: index i: left over after step",)),
    "index definition": Change(
        f"{TABLE}; CREATE INDEX i ON t (a)",
        "DROP INDEX i; CREATE INDEX i ON t (a DESC)",
        (
            (
                "table t: index i: definition was CREATE INDEX i ON t USING btree (a), "
                "is CREATE INDEX i ON t USING btree (a DESC) after step"
            ),
        ),
    ),
    "index invalid": Change(
        f"{TABLE}; CREATE INDEX i ON t (a)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass",
        ("table t: index i: valid was yes, is no after step",),
    ),
    "index options": Change(
        f"{TABLE}; CREATE INDEX i ON t (a)",
        "ALTER INDEX i SET (fillfactor = 60)",
        (
            (
                "table t: index i: definition was CREATE INDEX i ON t USING btree (a), "
                "is CREATE INDEX i ON t USING btree (a) WITH (fillfactor='60') after step"
            ),
        ),
    ),
    "index of a constraint": Change(
        TABLE,
        "ALTER INDEX t_pkey SET (fillfactor = 60)",
        (
            (
                "table t: constraint t_pkey: index t_pkey: definition was CREATE UNIQUE INDEX t_pkey "
                "ON t USING btree (id), is CREATE UNIQUE INDEX t_pkey ON t USING btree (id) "
                "WITH (fillfactor='60') after step"
            ),
        ),
    ),
    "clustered": Change(
        f"{TABLE}; CREATE INDEX i ON t (a)",
        "ALTER TABLE t CLUSTER ON i",
        ("table t: index i: clustered was not set, is yes after step",),
    ),
    # views
    "view": Change(TABLE, "CREATE VIEW v AS SELECT id FROM t", ("view v: left over after step",)),
    "view definition": Change(
        f"{TABLE}; CREATE VIEW v AS SELECT id FROM t",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM t LIMIT 5",
        (
            "view v: definition differs after step",
            "    -    FROM t;",
            "    +    FROM t",
            "    +  LIMIT 5;",
        ),
    ),
    "view options": Change(
        f"{TABLE}; CREATE VIEW v AS SELECT id FROM t",
        "ALTER VIEW v SET (security_barrier = true)",
        ('view v: storage options was not set, is ["security_barrier=true"] after step',),
    ),
    "materialized view": Change(
        TABLE,
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM t; CREATE INDEX ON m (id)",
        ("materialized view m: left over after step",),
    ),
    "materialized view emptied": Change(
        f"{TABLE}; CREATE MATERIALIZED VIEW m AS SELECT id FROM t",
        "REFRESH MATERIALIZED VIEW m WITH NO DATA",
        ("materialized view m: populated was not set, is no after step",),
    ),
    # routines
    "function": Change("", FUNCTION, ("function f(n integer): left over after step",)),
    "function body": Change(
        FUNCTION,
        "CREATE OR REPLACE FUNCTION f(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT n + 1'",
        (
            "function f(n integer): definition differs after step",
            "    +  STABLE",
            "    - AS $function$SELECT n$function$",
            "    + AS $function$SELECT n + 1$function$",
        ),
    ),
    "procedure": Change(
        "",
        "CREATE PROCEDURE q() LANGUAGE sql AS 'SELECT 1'",
        ("procedure q(): left over after step",),
    ),
    "aggregate": Change(
        "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')",
        "CREATE OR REPLACE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '5')",
        ("aggregate total(integer): initial state was 0, is 5 after step",),
    ),
    "function grant": Change(
        FUNCTION,
        "REVOKE EXECUTE ON FUNCTION f FROM public",
        (
            (
                'function f(n integer): grants was ["=X/postgres", "postgres=X/postgres"], '
                'is ["postgres=X/postgres"] after step'
            ),
        ),
    ),
    # triggers, rules, policies
    "trigger": Change(
        TABLE,
        TRIGGER,
        (
            "function g(): left over after step",
            "table t: trigger g: left over after step",
        ),
    ),
    "trigger disabled": Change(
        f"{TABLE}; {TRIGGER}",
        "ALTER TABLE t DISABLE TRIGGER g",
        ("table t: trigger g: enabled was yes, is no after step",),
    ),
    "rule": Change(
        TABLE,
        "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
        ("table t: rule r: left over after step",),
    ),
    "policy": Change(
        f"{TABLE}; CREATE POLICY p ON t USING (id > 0)",
        "ALTER POLICY p ON t TO pg_monitor USING (id > 1)",
        (
            'table t: policy p: roles was ["public"], is ["pg_monitor"] after step',
            "table t: policy p: using was (id > 0), is (id > 1) after step",
        ),
    ),
    # sequences
    "sequence": Change("", "CREATE SEQUENCE s", ("sequence s: left over after step",)),
    "sequence parameters": Change(
        "CREATE SEQUENCE s",
        "ALTER SEQUENCE s INCREMENT 5 CACHE 10 CYCLE",
        (
            "sequence s: cache was 1, is 10 after step",
            "sequence s: cycle was not set, is yes after step",
            "sequence s: increment was 1, is 5 after step",
        ),
    ),
    "sequence owned": Change(
        f"{TABLE}; CREATE SEQUENCE s",
        "ALTER SEQUENCE s OWNED BY t.id",
        (
            "sequence s: missing after step",
            "table t: column id: sequence s: left over after step",
        ),
    ),
    "serial": Change(
        TABLE,
        "ALTER TABLE t ADD n serial",
        ("table t: column n: left over after step",),
    ),
    # types
    "enum": Change("", "CREATE TYPE e AS ENUM ('a')", ("enum e: left over after step",)),
    "enum labels": Change(
        "CREATE TYPE e AS ENUM ('a', 'b')",
        "ALTER TYPE e ADD VALUE 'c' BEFORE 'b'",
        ('enum e: labels was ["a", "b"], is ["a", "c", "b"] after step',),
    ),
    "domain": Change(
        "CREATE DOMAIN d AS text",
        "ALTER DOMAIN d SET NOT NULL; ALTER DOMAIN d SET DEFAULT 'x';"
        "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value <> '')",
        (
            "domain d: default was not set, is 'x'::text after step",
            "domain d: nullable was yes, is no after step",
            "domain d: constraint c: left over after step",
        ),
    ),
    "composite type": Change(
        "CREATE TYPE c AS (x int)",
        "ALTER TYPE c ADD ATTRIBUTE y text",
        ("composite type c: column y: left over after step",),
    ),
    "range type": Change(
        "", "CREATE TYPE r AS RANGE (subtype = float8)", ("range type r: left over after step",)
    ),
    # the rest
    "extension": Change("", "CREATE EXTENSION hstore", ("extension hstore: left over after step",)),
    "schema name": Change("", "CREATE SCHEMA s", ("schema name s: left over after step",)),
    "schema grant": Change(
        "CREATE SCHEMA s",
        "GRANT USAGE ON SCHEMA s TO pg_monitor",
        (
            (
                'schema name s: grants was ["postgres=UC/postgres"], '
                'is ["pg_monitor=U/postgres", "postgres=UC/postgres"] after step'
            ),
        ),
    ),
    "owner": Change(
        "CREATE SEQUENCE s",
        "ALTER SEQUENCE s OWNER TO pg_monitor",
        (
            (
                'sequence s: grants was ["postgres=rwU/postgres"], '
                'is ["pg_monitor=rwU/pg_monitor"] after step'
            ),
            "sequence s: owner was postgres, is pg_monitor after step",
        ),
    ),
    "default privileges": Change(
        "",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor",
        ("default privileges of postgres on tables in every schema name: left over after step",),
    ),
    "statistics": Change(
        TABLE, "CREATE STATISTICS s ON a, b FROM t", ("statistics s: left over after step",)
    ),
    "publication": Change(
        f"{TABLE}; CREATE PUBLICATION p",
        "ALTER PUBLICATION p ADD TABLE t; ALTER PUBLICATION p SET (publish = 'insert')",
        (
            "publication p: publishes was insert, update, delete, truncate, is insert after step",
            "publication p: published table t: left over after step",
        ),
    ),
    "event trigger": Change(
        "CREATE FUNCTION h() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION h()",
        ("event trigger e: left over after step",),
    ),
    "collation made": Change(
        "", 'CREATE COLLATION c FROM "C"', ("collation c: left over after step",)
    ),
    "cast": Change(
        "CREATE TYPE e AS ENUM ('a')",
        "CREATE CAST (e AS int) WITH INOUT",
        ("cast e as integer: left over after step",),
    ),
    "operator": Change(
        "",
        "CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)",
        ("operator ===(integer,integer): left over after step",),
    ),
    "text search": Change(
        "",
        "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)",
        ("text search configuration c: left over after step",),
    ),
    "foreign server": Change(
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE ft (id int) SERVER s",
        ("foreign server s: left over after step", "foreign table ft: left over after step"),
    ),
}


@pytest.fixture
def database(postgres15: Server, fresh_database: FreshDatabase) -> Iterator[Database]:
    """An empty database with a session to change it and a reader of snapshots."""
    name = fresh_database(postgres15)
    with postgres15.connect(name) as session, postgres15.connect(name) as other:
        yield session, SnapshotReader(other)


def _read(connection: psycopg.Connection[TupleRow]) -> Snapshot:
    return SnapshotReader(connection).read()


OF_EVERY_VERSION = {name: change for name, change in CHANGES.items() if change.oldest <= 15}
OF_NEW_VERSIONS = {name: change for name, change in CHANGES.items() if change.oldest > 15}


@pytest.mark.parametrize("change", OF_EVERY_VERSION.values(), ids=list(OF_EVERY_VERSION))
def test_a_change_is_told(change: Change, server: Server, fresh_database: FreshDatabase) -> None:
    check_that_it_is_told(change, server, fresh_database)


@pytest.mark.parametrize("change", OF_NEW_VERSIONS.values(), ids=list(OF_NEW_VERSIONS))
def test_a_new_kind_of_change_is_told(
    change: Change, postgres18: Server, fresh_database: FreshDatabase
) -> None:
    check_that_it_is_told(change, postgres18, fresh_database)


def check_that_it_is_told(change: Change, server: Server, fresh_database: FreshDatabase) -> None:
    with server.connect(fresh_database(server)) as connection:
        connection.execute(change.given)
        before = _read(connection)
        connection.execute("DISCARD ALL")
        connection.execute(change.statement)
        found = difference(before, _read(connection))
    assert tuple(found.lines("step")) == change.told


def test_equal_databases_have_equal_snapshots(
    server: Server, fresh_database: FreshDatabase
) -> None:
    given = [
        change.given
        for name, change in CHANGES.items()
        if change.given and change.oldest <= server.major
    ]
    snapshots = []
    for _ in range(2):
        with server.connect(fresh_database(server)) as connection:
            for number, statement in enumerate(given):
                connection.execute(f"CREATE SCHEMA s{number}; SET search_path = s{number}")
                if "PUBLICATION" not in statement and "WRAPPER" not in statement:
                    connection.execute(statement)
            snapshots.append(_read(connection))
    assert snapshots[0] == snapshots[1]
    assert len(snapshots[0]) > 200


def test_column_order_is_told_apart(database: Database) -> None:
    session, reader = database
    session.execute("CREATE TABLE t (a int, b int)")
    before = reader.read()
    session.execute("ALTER TABLE t DROP a; ALTER TABLE t ADD a int")
    found = difference(before, reader.read())
    assert not found
    assert found.reordered == (ObjectId.of(("table", "t")),)


def test_ignored_objects_are_left_out_with_their_parts(database: Database) -> None:
    session, reader = database
    table = ObjectId.of(("table", "alembic_version"))
    before = reader.read()
    session.execute("CREATE TABLE alembic_version (version_num text PRIMARY KEY)")
    assert difference(before, reader.read())
    assert not difference(before, reader.read(ignored=[table]))


def test_a_grant_taken_back_leaves_no_difference(database: Database) -> None:
    session, reader = database
    session.execute("CREATE TABLE t (id int)")
    before = reader.read()
    session.execute("GRANT SELECT ON t TO pg_monitor")
    assert difference(before, reader.read())
    session.execute("REVOKE SELECT ON t FROM pg_monitor")
    assert not difference(before, reader.read())


def test_snapshots_cannot_be_changed(database: Database) -> None:
    _, reader = database
    snapshot = reader.read()
    with pytest.raises(TypeError):
        snapshot._objects[ObjectId.of(("table", "t"))] = {}  # type: ignore[index]


def test_parts_of_extensions_are_left_out(server: Server, fresh_database: FreshDatabase) -> None:
    with server.connect(fresh_database(server)) as connection:
        connection.execute("CREATE EXTENSION hstore")
        kinds = {object_id.kind for object_id in _read(connection)}
    assert kinds == {"schema name", "extension"}
