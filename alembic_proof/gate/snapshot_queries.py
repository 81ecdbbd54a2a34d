"""Owns the questions that a snapshot asks the catalogue, one for each kind of object.

A question is data: how an object is named, what it belongs to, and the SQL expression of each of its
properties. A property that is NULL has its default and is left out. Sources are the chapters on
system catalogs and on system information functions of the manual
(https://www.postgresql.org/docs/current/catalogs.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

OLDEST_MAJOR = 12

FIRST_NORMAL_OID = 16384
"""Objects with a smaller oid were made by initdb (``FirstNormalObjectId`` in ``transam.h``)."""

SETTINGS = {
    "search_path": "pg_catalog, public",
    "jit": "off",
    "quote_all_identifiers": "off",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "datestyle": "'ISO, MDY'",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
}
"""Session settings under which equal definitions are printed as equal text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How to read all objects of one kind.

    ``kind`` and ``name`` are SQL expressions for the identity; ``parents`` is an SQL expression for
    a JSON array of kind and name, outermost first, of what the object is part of. ``source`` is
    what follows FROM. ``oid`` and ``catalog`` identify the object, or with ``part`` the object that
    it is a numbered part of, for comments and for membership in extensions.
    """

    kind: str
    name: str
    source: str
    oid: str
    catalog: str
    part: str = "0"
    parents: str = "'[]'::json"
    properties: Mapping[str, str]
    where: str = "true"
    excluded_dependency: str = "e"
    """The ``deptype`` values of pg_depend that make an object part of something else."""

    def sql(self) -> str:
        """The query: one row with one JSON text, an array of kind, name, parents, properties."""
        properties = ", ".join(
            f"'{name}', {expression}" for name, expression in self.properties.items()
        )
        dependencies = ", ".join(f"'{letter}'" for letter in self.excluded_dependency)
        row = ", ".join(
            (
                self.kind,
                self.name,
                self.parents,
                f"json_strip_nulls(json_build_object({properties}, 'comment', comment.description))",
            )
        )
        return "\n".join(
            (
                f"SELECT coalesce(json_agg(json_build_array({row})), '[]')::text",
                f"FROM {self.source}",
                f"LEFT JOIN pg_description AS comment ON comment.objoid = {self.oid}",
                f"AND comment.classoid = '{self.catalog}'::regclass AND comment.objsubid = {self.part}",
                f"WHERE {self.where}",
                "AND NOT EXISTS (SELECT FROM pg_depend AS part",
                f"WHERE part.classid = '{self.catalog}'::regclass AND part.objid = {self.oid}",
                f"AND part.objsubid = 0 AND part.deptype IN ({dependencies}))",
            )
        )


def settings_sql() -> str:
    """The statements that make a session print definitions in one way."""
    return "; ".join(f"SET {name} = {value}" for name, value in SETTINGS.items())


def questions(major: int) -> Iterator[Question]:
    """Every question, in the words of this major version of PostgreSQL."""
    yield _schema_names()
    yield _relations()
    yield _columns(major)
    yield from _constraints(major)
    yield _indexes()
    yield _sequences()
    yield from _types()
    yield _functions()
    yield _aggregates()
    yield from _on_tables()
    yield _statistics(major)
    yield _extensions()
    yield _default_privileges()
    yield _publications(major)
    yield _published_tables(major)
    if major >= 15:
        yield _published_schema_names()
    yield from _rarities()
    yield _database_settings()


def _qualified(schema: str, name: str) -> str:
    """A name as people write it: the schema name ``public`` is left out."""
    return f"CASE WHEN {schema} = 'public' THEN quote_ident({name}) ELSE format('%I.%I', {schema}, {name}) END"


def _own(schema: str) -> str:
    """Condition: not one of PostgreSQL's own schema names."""
    return f"{schema} <> 'information_schema' AND {schema} NOT LIKE 'pg\\_%'"


def _grants(column: str, default: str = "NULL") -> str:
    """Every privilege as sorted text; NULL in the catalogue means the default ones."""
    array = f"coalesce({column}, {default})"
    return f"(SELECT json_agg(item::text ORDER BY item::text) FROM unnest({array}) AS item)"  # noqa: S608


def _granted(column: str, object_type: str, owner: str) -> str:
    return _grants(column, f"acldefault('{object_type}', {owner})")


def _owner(column: str) -> str:
    return f"pg_get_userbyid({column})"


def _relation_kind(alias: str) -> str:
    return (
        f"CASE {alias}.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' "
        "WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type' ELSE 'table' END"
    )


def _relation_parent(alias: str = "r", schema: str = "n") -> str:
    name = _qualified(f"{schema}.nspname", f"{alias}.relname")
    return f"json_build_array(json_build_array({_relation_kind(alias)}, {name}))"


_RELATION = "pg_class AS r JOIN pg_namespace AS n ON n.oid = r.relnamespace"
_RELATION_IS_NOT_PART = (
    "NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass "
    "AND d.objid = r.oid AND d.objsubid = 0 AND d.deptype = 'e')"
)


def _schema_names() -> Question:
    return Question(
        kind="'schema name'",
        name="quote_ident(n.nspname)",
        source="pg_namespace AS n",
        oid="n.oid",
        catalog="pg_namespace",
        where=_own("n.nspname"),
        properties={
            "owner": _owner("n.nspowner"),
            "grants": _granted("n.nspacl", "n", "n.nspowner"),
        },
    )


def _relations() -> Question:
    return Question(
        kind=_relation_kind("r"),
        name=_qualified("n.nspname", "r.relname"),
        source=f"{_RELATION} LEFT JOIN pg_am AS am ON am.oid = r.relam "
        "LEFT JOIN pg_class AS toast ON toast.oid = r.reltoastrelid "
        "LEFT JOIN pg_foreign_table AS ft ON ft.ftrelid = r.oid "
        "LEFT JOIN pg_foreign_server AS fs ON fs.oid = ft.ftserver",
        oid="r.oid",
        catalog="pg_class",
        where=f"r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND {_own('n.nspname')}",
        properties={
            "owner": _owner("r.relowner"),
            "grants": _granted("r.relacl", "r", "r.relowner"),
            "persistence": "CASE r.relpersistence WHEN 'u' THEN 'unlogged' END",
            "access method": "nullif(am.amname, 'heap')",
            "tablespace": "(SELECT spcname FROM pg_tablespace AS s WHERE s.oid = r.reltablespace)",
            "storage options": "array_to_json(r.reloptions)",
            "toast options": "array_to_json(toast.reloptions)",
            "row level security": "CASE WHEN r.relrowsecurity THEN 'enabled' END",
            "forced row level security": "CASE WHEN r.relforcerowsecurity THEN 'on' END",
            "replica identity": "CASE WHEN r.relkind IN ('r', 'p') THEN CASE r.relreplident "
            "WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' END END",
            "partitioned by": "CASE r.relkind WHEN 'p' THEN pg_get_partkeydef(r.oid) END",
            "partition bound": "pg_get_expr(r.relpartbound, r.oid)",
            "inherits": "(SELECT json_agg(i.inhparent::regclass::text ORDER BY i.inhseqno) "
            "FROM pg_inherits AS i WHERE i.inhrelid = r.oid)",
            "of type": "CASE WHEN r.reloftype <> 0 THEN r.reloftype::regtype::text END",
            "definition": "CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END",
            "populated": "CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN 'no' END",
            "foreign server": "quote_ident(fs.srvname)",
            "foreign options": "array_to_json(ft.ftoptions)",
            "column order": "(SELECT json_agg(a.attname ORDER BY a.attnum) "
            "FROM pg_attribute AS a WHERE a.attrelid = r.oid AND a.attnum > 0 "
            "AND NOT a.attisdropped)",
        },
    )


def _columns(major: int) -> Question:
    not_null = "CASE WHEN a.attnotnull THEN 'no' ELSE 'yes' END"
    if major >= 18:
        not_null = (
            "CASE WHEN NOT a.attnotnull THEN 'yes' WHEN EXISTS (SELECT FROM pg_constraint AS c "
            "WHERE c.conrelid = r.oid AND c.contype = 'n' AND c.conkey[1] = a.attnum "
            "AND NOT c.convalidated) THEN 'no (not valid)' ELSE 'no' END"
        )
    properties = {
        "type": "format_type(a.atttypid, a.atttypmod)",
        "nullable": not_null,
        "default": "CASE a.attgenerated WHEN '' THEN pg_get_expr(d.adbin, d.adrelid) END",
        "identity": "CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END",
        "generated": "CASE WHEN a.attgenerated <> '' THEN CASE a.attgenerated "
        "WHEN 'v' THEN 'virtual ' ELSE 'stored ' END || pg_get_expr(d.adbin, d.adrelid) END",
        "collation": "CASE WHEN a.attcollation <> t.typcollation "
        "THEN a.attcollation::regcollation::text END"
        if major >= 13
        else "CASE WHEN a.attcollation <> t.typcollation THEN (SELECT c.collname "
        "FROM pg_collation AS c WHERE c.oid = a.attcollation) END",
        "storage": "CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage "
        "WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' "
        "ELSE 'extended' END END",
        "statistics target": "nullif(coalesce(a.attstattarget, -1), -1)",
        "options": "array_to_json(a.attoptions)",
        "foreign options": "array_to_json(a.attfdwoptions)",
        "inherited": "CASE WHEN a.attinhcount > 0 THEN "
        "CASE WHEN a.attislocal THEN 'merged' ELSE 'yes' END END",
        "grants": _grants("a.attacl"),
    }
    if major >= 14:
        properties["compression"] = "nullif(a.attcompression, '')"
    return Question(
        kind="'column'",
        name="quote_ident(a.attname)",
        parents=_relation_parent(),
        source=f"pg_attribute AS a JOIN ({_RELATION}) ON r.oid = a.attrelid "
        "JOIN pg_type AS t ON t.oid = a.atttypid "
        "LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum",
        oid="r.oid",
        catalog="pg_class",
        part="a.attnum",
        where="r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 "
        f"AND NOT a.attisdropped AND {_own('n.nspname')}",
        properties=properties,
    )


def _constraints(major: int) -> Iterator[Question]:
    properties = {
        "definition": "regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')",
        "valid": "CASE WHEN c.convalidated THEN 'yes' ELSE 'no' END",
        "inherited": "CASE WHEN c.coninhcount > 0 AND NOT c.conislocal THEN 'yes' END",
    }
    if major >= 18:
        properties["valid"] = (
            "CASE WHEN NOT c.conenforced THEN 'not enforced' "
            "WHEN c.convalidated THEN 'yes' ELSE 'no' END"
        )
    yield Question(
        kind="'constraint'",
        name="quote_ident(c.conname)",
        parents=_relation_parent(),
        source=f"pg_constraint AS c JOIN ({_RELATION}) ON r.oid = c.conrelid",
        oid="c.oid",
        catalog="pg_constraint",
        where=f"c.contype IN ('c', 'f', 'p', 'u', 'x') AND {_own('n.nspname')} "
        f"AND {_RELATION_IS_NOT_PART}",
        properties=properties,
    )
    yield Question(
        kind="'constraint'",
        name="quote_ident(c.conname)",
        parents="json_build_array(json_build_array('domain', "
        f"{_qualified('n.nspname', 't.typname')}))",
        source="pg_constraint AS c JOIN pg_type AS t ON t.oid = c.contypid "
        "JOIN pg_namespace AS n ON n.oid = t.typnamespace",
        oid="c.oid",
        catalog="pg_constraint",
        where=f"c.contype = 'c' AND {_own('n.nspname')} AND NOT EXISTS (SELECT FROM pg_depend AS d "
        "WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')",
        properties=properties,
    )


def _indexes() -> Question:
    table = f"json_build_array({_relation_kind('r')}, {_qualified('n.nspname', 'r.relname')})"
    return Question(
        kind="'index'",
        name="quote_ident(i.relname)",
        parents=f"CASE WHEN c.oid IS NULL THEN json_build_array({table}) ELSE "
        f"json_build_array({table}, json_build_array('constraint', quote_ident(c.conname))) END",
        source=f"pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid "
        f"JOIN ({_RELATION}) ON r.oid = x.indrelid "
        "LEFT JOIN pg_constraint AS c ON c.conindid = x.indexrelid "
        "AND c.contype IN ('p', 'u', 'x') AND c.conrelid = r.oid",
        oid="i.oid",
        catalog="pg_class",
        where=f"{_own('n.nspname')} AND {_RELATION_IS_NOT_PART}",
        properties={
            "definition": "pg_get_indexdef(x.indexrelid, 0, true)",
            "valid": "CASE WHEN x.indisvalid THEN 'yes' ELSE 'no' END",
            "ready": "CASE WHEN NOT x.indisready THEN 'no' END",
            "clustered": "CASE WHEN x.indisclustered THEN 'yes' END",
            "replica identity": "CASE WHEN x.indisreplident THEN 'yes' END",
            "tablespace": "(SELECT spcname FROM pg_tablespace AS s WHERE s.oid = i.reltablespace)",
            "attached to": "(SELECT h.inhparent::regclass::text FROM pg_inherits AS h "
            "WHERE h.inhrelid = i.oid)",
            "statistics targets": "(SELECT json_agg(a.attnum || ': ' || a.attstattarget "
            "ORDER BY a.attnum) FROM pg_attribute AS a "
            "WHERE a.attrelid = i.oid AND coalesce(a.attstattarget, -1) >= 0)",
        },
    )


def _sequences() -> Question:
    return Question(
        kind="'sequence'",
        name=_qualified("n.nspname", "r.relname"),
        parents="CASE WHEN o.oid IS NULL THEN '[]'::json ELSE json_build_array(json_build_array("
        f"{_relation_kind('o')}, {_qualified('m.nspname', 'o.relname')}), "
        "json_build_array('column', quote_ident(a.attname))) END",
        source=f"pg_sequence AS s JOIN ({_RELATION}) ON r.oid = s.seqrelid "
        "LEFT JOIN pg_depend AS owned ON owned.classid = 'pg_class'::regclass "
        "AND owned.objid = r.oid AND owned.refclassid = 'pg_class'::regclass "
        "AND owned.deptype IN ('a', 'i') AND owned.refobjsubid > 0 "
        "LEFT JOIN pg_class AS o ON o.oid = owned.refobjid "
        "LEFT JOIN pg_namespace AS m ON m.oid = o.relnamespace "
        "LEFT JOIN pg_attribute AS a ON a.attrelid = o.oid AND a.attnum = owned.refobjsubid",
        oid="r.oid",
        catalog="pg_class",
        where=_own("n.nspname"),
        properties={
            "type": "format_type(s.seqtypid, NULL)",
            "start": "s.seqstart",
            "increment": "s.seqincrement",
            "minimum": "s.seqmin",
            "maximum": "s.seqmax",
            "cache": "s.seqcache",
            "cycle": "CASE WHEN s.seqcycle THEN 'yes' END",
            "persistence": "CASE r.relpersistence WHEN 'u' THEN 'unlogged' END",
            "owner": _owner("r.relowner"),
            "grants": _granted("r.relacl", "s", "r.relowner"),
        },
    )


def _types() -> Iterator[Question]:
    source = "pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace"
    common = {
        "owner": _owner("t.typowner"),
        "grants": _granted("t.typacl", "T", "t.typowner"),
    }

    def question(
        kind: str, letter: str, properties: Mapping[str, str], joins: str = ""
    ) -> Question:
        return Question(
            kind=f"'{kind}'",
            name=_qualified("n.nspname", "t.typname"),
            source=f"{source} {joins}",
            oid="t.oid",
            catalog="pg_type",
            where=f"t.typtype = '{letter}' AND {_own('n.nspname')}",
            properties={**common, **properties},
        )

    yield question(
        "enum",
        "e",
        {
            "labels": "(SELECT coalesce(json_agg(e.enumlabel ORDER BY e.enumsortorder), '[]') "
            "FROM pg_enum AS e WHERE e.enumtypid = t.oid)"
        },
    )
    yield question(
        "domain",
        "d",
        {
            "type": "format_type(t.typbasetype, t.typtypmod)",
            "nullable": "CASE WHEN t.typnotnull THEN 'no' ELSE 'yes' END",
            "default": "t.typdefault",
            "collation": "(SELECT c.collname FROM pg_collation AS c "
            "WHERE c.oid = t.typcollation AND c.collname <> 'default')",
        },
    )
    yield question(
        "range type",
        "r",
        {
            "subtype": "format_type(g.rngsubtype, NULL)",
            "collation": "(SELECT c.collname FROM pg_collation AS c WHERE c.oid = g.rngcollation)",
            "operator class": "(SELECT o.opcname FROM pg_opclass AS o WHERE o.oid = g.rngsubopc)",
            "canonical": "nullif(g.rngcanonical::regproc::text, '-')",
            "difference": "nullif(g.rngsubdiff::regproc::text, '-')",
        },
        "JOIN pg_range AS g ON g.rngtypid = t.oid",
    )
    base = question(
        "type",
        "b",
        {
            "input": "t.typinput::regproc::text",
            "output": "t.typoutput::regproc::text",
            "length": "t.typlen",
            "storage": "t.typstorage",
        },
    )
    array_of_another = "EXISTS (SELECT FROM pg_type AS element WHERE element.typarray = t.oid)"
    yield Question(
        kind=base.kind,
        name=base.name,
        source=base.source,
        oid=base.oid,
        catalog=base.catalog,
        where=f"{base.where} AND NOT {array_of_another}",
        properties=base.properties,
    )


_ROUTINE = "pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
_ROUTINE_NAME = (
    f"{_qualified('n.nspname', 'p.proname')} || "
    "'(' || pg_get_function_identity_arguments(p.oid) || ')'"
)


def _functions() -> Question:
    return Question(
        kind="CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END",
        name=_ROUTINE_NAME,
        source=_ROUTINE,
        oid="p.oid",
        catalog="pg_proc",
        where=f"p.prokind IN ('f', 'p', 'w') AND {_own('n.nspname')}",
        excluded_dependency="ei",
        properties={
            "definition": "pg_get_functiondef(p.oid)",
            "owner": _owner("p.proowner"),
            "grants": _granted("p.proacl", "f", "p.proowner"),
        },
    )


def _aggregates() -> Question:
    return Question(
        kind="'aggregate'",
        name=_ROUTINE_NAME,
        source=f"{_ROUTINE} JOIN pg_aggregate AS g ON g.aggfnoid = p.oid",
        oid="p.oid",
        catalog="pg_proc",
        where=_own("n.nspname"),
        properties={
            "kind": "g.aggkind",
            "state function": "g.aggtransfn::regprocedure::text",
            "state type": "format_type(g.aggtranstype, NULL)",
            "initial state": "g.agginitval",
            "final function": "nullif(g.aggfinalfn::regprocedure::text, '-')",
            "combine function": "nullif(g.aggcombinefn::regprocedure::text, '-')",
            "sort operator": "nullif(g.aggsortop, 0)::regoperator::text",
            "parallel": "p.proparallel",
            "owner": _owner("p.proowner"),
            "grants": _granted("p.proacl", "f", "p.proowner"),
        },
    )


def _on_tables() -> Iterator[Question]:
    """Triggers, rules and policies: what belongs to a relation without being stored in it."""
    fired = (
        "CASE {} WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' ELSE 'always' END"
    )
    yield Question(
        kind="'trigger'",
        name="quote_ident(t.tgname)",
        parents=_relation_parent(),
        source=f"pg_trigger AS t JOIN ({_RELATION}) ON r.oid = t.tgrelid",
        oid="t.oid",
        catalog="pg_trigger",
        where=f"NOT t.tgisinternal AND {_own('n.nspname')} AND {_RELATION_IS_NOT_PART}",
        properties={
            "definition": "pg_get_triggerdef(t.oid, true)",
            "enabled": fired.format("t.tgenabled"),
        },
    )
    yield Question(
        kind="'rule'",
        name="quote_ident(w.rulename)",
        parents=_relation_parent(),
        source=f"pg_rewrite AS w JOIN ({_RELATION}) ON r.oid = w.ev_class",
        oid="w.oid",
        catalog="pg_rewrite",
        where=f"w.rulename <> '_RETURN' AND {_own('n.nspname')} AND {_RELATION_IS_NOT_PART}",
        properties={
            "definition": "pg_get_ruledef(w.oid)",
            "enabled": fired.format("w.ev_enabled"),
        },
    )
    yield Question(
        kind="'policy'",
        name="quote_ident(p.polname)",
        parents=_relation_parent(),
        source=f"pg_policy AS p JOIN ({_RELATION}) ON r.oid = p.polrelid",
        oid="p.oid",
        catalog="pg_policy",
        where=f"{_own('n.nspname')} AND {_RELATION_IS_NOT_PART}",
        properties={
            "command": "CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' "
            "WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END",
            "permissive": "CASE WHEN p.polpermissive THEN 'yes' ELSE 'no' END",
            "roles": "(SELECT json_agg(CASE role WHEN 0 THEN 'public' "
            "ELSE pg_get_userbyid(role)::text END ORDER BY role) FROM unnest(p.polroles) AS role)",
            "using": "pg_get_expr(p.polqual, p.polrelid)",
            "with check": "pg_get_expr(p.polwithcheck, p.polrelid)",
        },
    )


def _statistics(major: int) -> Question:
    properties = {
        "definition": "pg_get_statisticsobjdef(s.oid)",
        "owner": _owner("s.stxowner"),
    }
    if major >= 13:
        properties["target"] = "nullif(coalesce(s.stxstattarget, -1), -1)"
    return Question(
        kind="'statistics'",
        name=_qualified("n.nspname", "s.stxname"),
        source="pg_statistic_ext AS s JOIN pg_namespace AS n ON n.oid = s.stxnamespace",
        oid="s.oid",
        catalog="pg_statistic_ext",
        where=_own("n.nspname"),
        properties=properties,
    )


def _extensions() -> Question:
    return Question(
        kind="'extension'",
        name="quote_ident(e.extname)",
        source="pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace",
        oid="e.oid",
        catalog="pg_extension",
        where=f"e.oid >= {FIRST_NORMAL_OID}",
        properties={"version": "e.extversion", "schema name": "n.nspname"},
    )


def _default_privileges() -> Question:
    return Question(
        kind="'default privileges'",
        name="format('of %I on %s in %s', pg_get_userbyid(a.defaclrole), CASE a.defaclobjtype "
        "WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' "
        "WHEN 'T' THEN 'types' WHEN 'n' THEN 'schema names' ELSE a.defaclobjtype::text END, "
        "coalesce(n.nspname, 'every schema name'))",
        source="pg_default_acl AS a LEFT JOIN pg_namespace AS n ON n.oid = a.defaclnamespace",
        oid="a.oid",
        catalog="pg_default_acl",
        properties={"grants": _grants("a.defaclacl")},
    )


def _publications(major: int) -> Question:
    properties = {
        "owner": _owner("p.pubowner"),
        "all tables": "CASE WHEN p.puballtables THEN 'yes' END",
        "publishes": "concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, "
        "CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END, "
        "CASE WHEN p.pubtruncate THEN 'truncate' END)",
    }
    if major >= 13:
        properties["via root"] = "CASE WHEN p.pubviaroot THEN 'yes' END"
    if major >= 18:
        properties["generated columns"] = "nullif(p.pubgencols::text, 'n')"
    return Question(
        kind="'publication'",
        name="quote_ident(p.pubname)",
        source="pg_publication AS p",
        oid="p.oid",
        catalog="pg_publication",
        properties=properties,
    )


def _published_tables(major: int) -> Question:
    properties = {"published": "'yes'"}
    if major >= 15:
        properties["rows"] = "pg_get_expr(m.prqual, m.prrelid)"
        properties["columns"] = (
            "(SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a "
            "WHERE a.attrelid = m.prrelid AND a.attnum = ANY (m.prattrs))"
        )
    return Question(
        kind="'published table'",
        name=_qualified("n.nspname", "r.relname"),
        parents="json_build_array(json_build_array('publication', quote_ident(p.pubname)))",
        source="pg_publication_rel AS m JOIN pg_publication AS p ON p.oid = m.prpubid "
        f"JOIN ({_RELATION}) ON r.oid = m.prrelid",
        oid="m.oid",
        catalog="pg_publication_rel",
        properties=properties,
    )


def _published_schema_names() -> Question:
    return Question(
        kind="'published schema name'",
        name="quote_ident(n.nspname)",
        parents="json_build_array(json_build_array('publication', quote_ident(p.pubname)))",
        source="pg_publication_namespace AS m JOIN pg_publication AS p ON p.oid = m.pnpubid "
        "JOIN pg_namespace AS n ON n.oid = m.pnnspid",
        oid="m.oid",
        catalog="pg_publication_namespace",
        properties={"published": "'yes'"},
    )


def _rarities() -> Iterator[Question]:
    """Objects that few migrations make, read in less depth."""
    yield Question(
        kind="'event trigger'",
        name="quote_ident(t.evtname)",
        source="pg_event_trigger AS t",
        oid="t.oid",
        catalog="pg_event_trigger",
        properties={
            "event": "t.evtevent",
            "function": "t.evtfoid::regprocedure::text",
            "tags": "array_to_json(t.evttags)",
            "enabled": "t.evtenabled",
            "owner": _owner("t.evtowner"),
        },
    )
    yield Question(
        kind="'collation'",
        name=_qualified("n.nspname", "c.collname"),
        source="pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace",
        oid="c.oid",
        catalog="pg_collation",
        where=_own("n.nspname"),
        properties={
            "provider": "c.collprovider",
            "deterministic": "CASE WHEN c.collisdeterministic THEN 'yes' ELSE 'no' END",
            "collate": "c.collcollate",
            "ctype": "c.collctype",
            "owner": _owner("c.collowner"),
        },
    )
    yield Question(
        kind="'cast'",
        name="format('%s as %s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL))",
        source="pg_cast AS c",
        oid="c.oid",
        catalog="pg_cast",
        where=f"c.oid >= {FIRST_NORMAL_OID}",
        excluded_dependency="ei",
        properties={
            "function": "nullif(c.castfunc::regprocedure::text, '-')",
            "context": "c.castcontext",
            "method": "c.castmethod",
        },
    )
    yield Question(
        kind="'operator'",
        name="o.oid::regoperator::text",
        source="pg_operator AS o JOIN pg_namespace AS n ON n.oid = o.oprnamespace",
        oid="o.oid",
        catalog="pg_operator",
        where=f"o.oid >= {FIRST_NORMAL_OID} AND {_own('n.nspname')}",
        properties={
            "function": "o.oprcode::regprocedure::text",
            "owner": _owner("o.oprowner"),
        },
    )
    yield Question(
        kind="'text search configuration'",
        name=_qualified("n.nspname", "c.cfgname"),
        source="pg_ts_config AS c JOIN pg_namespace AS n ON n.oid = c.cfgnamespace",
        oid="c.oid",
        catalog="pg_ts_config",
        where=_own("n.nspname"),
        properties={
            "owner": _owner("c.cfgowner"),
            "mappings": "(SELECT json_agg(m.maptokentype || ': ' || m.mapdict::regdictionary "
            "ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map AS m "
            "WHERE m.mapcfg = c.oid)",
        },
    )
    yield Question(
        kind="'text search dictionary'",
        name=_qualified("n.nspname", "d.dictname"),
        source="pg_ts_dict AS d JOIN pg_namespace AS n ON n.oid = d.dictnamespace",
        oid="d.oid",
        catalog="pg_ts_dict",
        where=_own("n.nspname"),
        properties={"owner": _owner("d.dictowner"), "options": "d.dictinitoption"},
    )
    yield Question(
        kind="'foreign data wrapper'",
        name="quote_ident(f.fdwname)",
        source="pg_foreign_data_wrapper AS f",
        oid="f.oid",
        catalog="pg_foreign_data_wrapper",
        properties={
            "owner": _owner("f.fdwowner"),
            "grants": _granted("f.fdwacl", "F", "f.fdwowner"),
            "options": "array_to_json(f.fdwoptions)",
        },
    )
    yield Question(
        kind="'foreign server'",
        name="quote_ident(s.srvname)",
        source="pg_foreign_server AS s JOIN pg_foreign_data_wrapper AS f ON f.oid = s.srvfdw",
        oid="s.oid",
        catalog="pg_foreign_server",
        properties={
            "wrapper": "f.fdwname",
            "owner": _owner("s.srvowner"),
            "grants": _granted("s.srvacl", "S", "s.srvowner"),
            "options": "array_to_json(s.srvoptions)",
        },
    )


def _database_settings() -> Question:
    return Question(
        kind="'database settings'",
        name="CASE s.setrole WHEN 0 THEN 'for everyone' "
        "ELSE 'for ' || pg_get_userbyid(s.setrole) END",
        source="pg_db_role_setting AS s JOIN pg_database AS b ON b.oid = s.setdatabase",
        oid="0::oid",
        catalog="pg_database",
        where="b.datname = current_database()",
        properties={"settings": "array_to_json(s.setconfig)"},
    )
