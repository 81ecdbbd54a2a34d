"""Owns how safe recipes are written: as Alembic code with the user's own names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from alembic_proof.objects import Column, Name, SqlType
from alembic_proof.operations import CreateIndex

LATER_REVISION = "# in a later revision"

_PLAIN_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_$]*")
_SQLALCHEMY_TYPES = {
    "bigint": "sa.BigInteger()",
    "boolean": "sa.Boolean()",
    "bytea": "sa.LargeBinary()",
    "date": "sa.Date()",
    "double precision": "sa.Float(53)",
    "integer": "sa.Integer()",
    "json": "sa.JSON()",
    "jsonb": "postgresql.JSONB()",
    "numeric": "sa.Numeric",
    "real": "sa.Float(24)",
    "smallint": "sa.SmallInteger()",
    "text": "sa.Text()",
    "time": "sa.Time()",
    "timestamp": "sa.DateTime()",
    "timestamp without time zone": "sa.DateTime()",
    "timestamp with time zone": "sa.DateTime(timezone=True)",
    "timestamptz": "sa.DateTime(timezone=True)",
    "uuid": "sa.Uuid()",
    "varchar": "sa.String",
}


def text(value: str) -> str:
    """A Python string literal, in double quotes where that needs no escapes."""
    if '"' in value or "\\" in value or "\n" in value:
        return repr(value)
    return f'"{value}"'


def names(values: Iterable[str]) -> str:
    """A Python list of string literals."""
    return f"[{', '.join(map(text, values))}]"


def identifier(name: str) -> str:
    """A name as SQL, in double quotes where PostgreSQL needs them."""
    return name if _PLAIN_IDENTIFIER.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def relation(name: Name) -> str:
    """A relation as SQL, with its schema name."""
    bare = identifier(name.name)
    return f"{identifier(name.schema)}.{bare}" if name.schema else bare


def schema(table: Name, keyword: str = "schema") -> str:
    """The keyword argument that says a table's schema name, with its comma; empty for none."""
    return f", {keyword}={text(table.schema)}" if table.schema else ""


def execute(sql: str) -> str:
    """``op.execute`` of one statement."""
    return f"op.execute({text(sql)})"


def autocommit(*calls: str) -> str:
    """Calls inside an autocommit block."""
    body = "".join(f"\n    {line}" for call in calls for line in call.splitlines())
    return f"with op.get_context().autocommit_block():{body}"


def sa_type(type_: SqlType | None) -> str:
    """A type as SQLAlchemy code; ``...`` where there is no short way to say it."""
    if type_ is None:
        return "..."
    code = _SQLALCHEMY_TYPES.get(type_.name, "...")
    if code in ("sa.Numeric", "sa.String"):
        code = f"{code}({', '.join(map(str, type_.modifiers))})"
    elif type_.modifiers:
        code = "..."
    return f"postgresql.ARRAY({code})" if type_.dimensions and code != "..." else code


def nullable_column(table: Name, column: Column) -> str:
    """``op.add_column`` of the bare column: nullable, no default, no constraint."""
    return (
        f"op.add_column({text(table.name)}, "
        f"sa.Column({text(column.name)}, {sa_type(column.type)}){schema(table)})"
    )


def validate(table: Name, constraint: str) -> str:
    """VALIDATE CONSTRAINT, in a revision that follows the one with NOT VALID."""
    statement = f"ALTER TABLE {relation(table)} VALIDATE CONSTRAINT {identifier(constraint)}"
    return f"{LATER_REVISION}\n{execute(statement)}"


def backfill(table: Name, key: str, assignment: str, condition: str) -> str:
    """An UPDATE in batches of a key, each committed by itself."""
    update = (
        f"UPDATE {relation(table)} SET {assignment} "
        f"WHERE {identifier(key)} BETWEEN :low AND :high AND {condition}"
    )
    select = f"SELECT max({identifier(key)}) FROM {relation(table)}"
    return autocommit(
        f"last = op.get_bind().execute(sa.text({text(select)})).scalar() or 0",
        "for low in range(0, last + 1, 1000):",
        f"    batch = sa.text({text(update)})",
        "    op.execute(batch.bindparams(low=low, high=low + 999))",
    )


def concurrent_index(index: CreateIndex) -> str:
    """``op.create_index`` of the same index, with CONCURRENTLY."""
    keys = ", ".join(
        f"sa.text({text(key.expression.text)})" if key.expression else text(key.column or "…")
        for key in index.keys
    )
    name = index.name or default_index_name(index)
    options = ", unique=True" if index.unique else ""
    if index.method != "btree":
        options += f", postgresql_using={text(index.method)}"
    if index.where is not None:
        options += f", postgresql_where=sa.text({text(index.where.text)})"
    if index.include:
        options += f", postgresql_include={names(index.include)}"
    return (
        f"op.create_index({text(name)}, {text(index.table.name)}, [{keys}]{options}, "
        f"postgresql_concurrently=True{schema(index.table)})"
    )


def default_index_name(index: CreateIndex) -> str:
    """A name for an index that has none, as PostgreSQL would choose it."""
    return "_".join((index.table.name, *(key.column or "expr" for key in index.keys), "idx"))
