"""Owns what SQLAlchemy's schema items say: columns, constraints, indexes, defaults.

Sources: ``PGDDLCompiler`` and ``DDLCompiler`` in SQLAlchemy, which decide what reaches PostgreSQL.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from alembic_proof.linter.python.sql_text import expression, literal, quoted
from alembic_proof.linter.python.sqlalchemy_core import (
    Renderer,
    clause,
    column_name,
    table_name,
    text_of,
)
from alembic_proof.linter.python.sqlalchemy_types import (
    INTEGERS,
    EnumType,
    argument,
    collation_of,
    enum_of,
    enum_values,
    sql_type,
)
from alembic_proof.linter.python.values import (
    Attribute,
    Call,
    Instance,
    Items,
    Ref,
    Unknown,
    Value,
    has_hole,
    is_symbol,
    known_text,
)
from alembic_proof.objects import (
    Check,
    Column,
    Constraint,
    Exclude,
    Expression,
    ForeignKey,
    IndexKey,
    Name,
    PrimaryKey,
    Unique,
)

if TYPE_CHECKING:
    from alembic_proof.linter.python.attributes import Resolver

_MAX_IDENTIFIER = 63
_TRUE = (True,)
"""What switches an option on; 1 is equal to True."""


@dataclass(slots=True)
class ColumnParts:
    """A ``sa.Column`` taken apart: the column, and what SQLAlchemy makes of its other options.

    ``client_default`` is true when Python fills the value in, which keeps a key from being serial.
    """

    column: Column
    primary_key: bool = False
    autoincrement: Value = "auto"
    client_default: bool = False
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    deferred_keys: bool = False
    checks: list[Check] = field(default_factory=list)
    unique: bool = False
    index: bool = False
    enum: EnumType | None = None


def construct(value: Value) -> str:
    """The SQLAlchemy class or function that made the value, else an empty text."""
    callee = value.callee if isinstance(value, Call) else None
    if isinstance(callee, Ref) and callee.package in ("sqlalchemy", "sqlmodel", "alembic"):
        return callee.name
    return ""


def read_column(value: Value, reader: Resolver) -> ColumnParts | None:
    """A column definition; None if its name cannot be told."""
    if construct(value) not in ("Column", "mapped_column"):
        return None
    positional = list(value.args)
    name = text_of(value.kwargs.get("name"))
    if positional and (isinstance(positional[0], str) or text_of(positional[0]) is not None):
        name = text_of(positional.pop(0))
    if name is None:
        return None
    kwargs = value.kwargs
    kind: Value = kwargs.get("type_")
    items: list[Value] = []
    for item in positional:
        if construct(item) in _SCHEMA_ITEMS:
            items.append(item)
        elif kind is None:
            kind = item
    default = kwargs.get("server_default")
    if construct(default) in ("Computed", "Identity"):
        items.append(default)
        default = None
    parts = ColumnParts(
        column=Column(name=name),
        primary_key=kwargs.get("primary_key") in _TRUE,
        autoincrement=kwargs.get("autoincrement", "auto"),
        client_default="default" in kwargs and kwargs["default"] is not None,
        unique=kwargs.get("unique") in _TRUE,
        index=kwargs.get("index") in _TRUE,
        enum=enum_of(kind, reader),
    )
    nullable = kwargs.get("nullable")
    details = _column_items(items, name, parts, reader)
    if kind is None and parts.foreign_keys:
        kind = None
    parts.checks += type_checks(kind, name, reader)
    parts.column = Column(
        name=name,
        type=sql_type(kind, reader),
        nullable=not parts.primary_key if nullable is None else nullable is not False,
        default=server_default(default, reader),
        collation=collation_of(kind),
        comment=known_text(kwargs.get("comment")),
        identity=details.identity,
        generated=details.generated,
        stored=details.stored,
    )
    if details.identity and nullable is None:
        parts.column = _replace_nullable(parts.column, nullable=False)
    return parts


@dataclass(slots=True)
class _Details:
    identity: bool = False
    generated: Expression | None = None
    stored: bool = True


def _column_items(items: list[Value], name: str, parts: ColumnParts, reader: Resolver) -> _Details:
    details = _Details()
    for item in items:
        match construct(item):
            case "ForeignKey":
                if item.kwargs.get("use_alter") in _TRUE:
                    parts.deferred_keys = True
                else:
                    parts.foreign_keys += _inline_foreign_key(item, name, reader)
            case "Computed":
                details.generated = clause(argument(item, 0, "sqltext"), reader)
                details.stored = argument(item, 1, "persisted") is not False
            case "Identity":
                details.identity = True
            case "CheckConstraint":
                parts.checks.append(read_check(item, reader))
            case "Sequence":
                parts.client_default = item.kwargs.get("optional") not in _TRUE
    return details


def _replace_nullable(column: Column, *, nullable: bool) -> Column:
    return msgspec.structs.replace(column, nullable=nullable)


def type_checks(kind: Value, name: str, reader: Resolver) -> list[Check]:
    """The CHECK that ``Enum(native_enum=False, create_constraint=True)`` brings along."""
    if construct(kind) != "Enum" or kind.kwargs.get("create_constraint") is not True:
        return []
    if kind.kwargs.get("native_enum", True) is not False:
        return []
    values = enum_values(kind, reader)
    if not values:
        return []
    text = f"{quoted(name)} IN ({', '.join(literal(value) for value in values)})"
    return [Check(name=text_of(kind.kwargs.get("name")), expression=expression(text))]


def _inline_foreign_key(item: Call, column: str, reader: Resolver) -> list[ForeignKey]:
    target = _reference(argument(item, 0, "column"), reader)
    if target is None:
        return []
    table, referenced = target
    return [_foreign_key(item, (column,), table, (referenced,) if referenced else ())]


def _foreign_key(
    item: Call, columns: tuple[str, ...], table: Name, referenced: tuple[str, ...]
) -> ForeignKey:
    return ForeignKey(
        name=text_of(item.kwargs.get("name")),
        columns=columns,
        table=table,
        referenced_columns=referenced,
        not_valid=item.kwargs.get("postgresql_not_valid") in _TRUE,
        on_delete=upper_text(item.kwargs.get("ondelete")),
        on_update=upper_text(item.kwargs.get("onupdate")),
    )


def upper_text(value: Value) -> str | None:
    """A known text in capitals: ``cascade`` as PostgreSQL shows it."""
    text = known_text(value)
    return text.upper() if text else None


def _reference(value: Value, reader: Resolver) -> tuple[Name, str] | None:
    """The table and column of ``ForeignKey("schema.table.column")`` or ``ForeignKey(t.c.id)``."""
    if isinstance(value, str):
        if has_hole(value):
            return None
        *schema, table, column = value.split(".") if "." in value else (value, "")
        return Name.of(table, ".".join(schema) or None), column
    holder = value.target if isinstance(value, Attribute) else None
    if isinstance(holder, Attribute):
        holder = holder.target
    table_found = table_name(holder, reader)
    column_found = column_name(value, reader)
    if table_found is None or column_found is None:
        return None
    return table_found, column_found


def server_default(value: Value, reader: Resolver) -> Expression | None:
    """The DEFAULT that ``server_default`` becomes: text is a quoted literal, a clause is SQL."""
    if value is None or construct(value) == "FetchedValue":
        return None
    if isinstance(value, bool | int | float):
        return Expression(str(value))
    if isinstance(value, str):
        return Expression(literal("…" if has_hole(value) else value))
    if construct(value) == "DefaultClause" and value.args:
        return server_default(value.args[0], reader)
    if construct(value) == "Sequence" and value.args:
        return expression(f"nextval({literal(text_of(value.args[0]) or '')})")
    if is_symbol(value):
        return expression(Renderer(reader, qualify=False).render(value))
    if isinstance(value, Instance) and "value" in value.attributes:
        return server_default(value.attributes["value"], reader)
    source = value.source if isinstance(value, Unknown) else "…"
    return Expression(source, opaque=True)


def read_check(item: Call, reader: Resolver) -> Check:
    """``sa.CheckConstraint``."""
    return Check(
        name=text_of(argument(item, 1, "name")),
        expression=clause(argument(item, 0, "sqltext"), reader),
        not_valid=item.kwargs.get("postgresql_not_valid") in _TRUE,
    )


def names_of(values: Value, reader: Resolver) -> tuple[str, ...] | None:
    """Column names given as a list of texts or columns; None if one cannot be told."""
    if isinstance(values, str):
        values = (values,)
    items, more = reader.iterate(values) if values is not None else ([], True)
    names = [column_name(item, reader) for item in items]
    if more or any(name is None for name in names):
        return None
    return tuple(name for name in names if name is not None)


def read_constraint(item: Value, reader: Resolver) -> Constraint | list[Constraint] | None:
    """A table constraint; an empty list for one that SQLAlchemy leaves out; None if not understood."""
    kind = construct(item)
    name = text_of(item.kwargs.get("name")) if isinstance(item, Call) else None
    if kind == "CheckConstraint":
        return read_check(item, reader)
    if kind in ("PrimaryKeyConstraint", "UniqueConstraint"):
        columns = names_of(item.args, reader)
        if columns is None:
            return None
        if not columns:
            return []
        build = PrimaryKey if kind == "PrimaryKeyConstraint" else Unique
        return build(name=name, columns=columns)
    if kind == "ForeignKeyConstraint":
        if item.kwargs.get("use_alter") in _TRUE:
            return []
        return read_foreign_key(item, reader)
    if kind == "ExcludeConstraint":
        return Exclude(name=name, columns=exclude_columns(item.args, reader))
    return None


def read_foreign_key(item: Call, reader: Resolver) -> ForeignKey | None:
    """``sa.ForeignKeyConstraint(columns, references)``."""
    columns = names_of(argument(item, 0, "columns"), reader)
    references = argument(item, 1, "refcolumns")
    if columns is None or not isinstance(references, Items | tuple):
        return None
    targets = [_reference(reference, reader) for reference in references]
    found = [target for target in targets if target is not None]
    if not found or len(found) != len(targets):
        return None
    table = found[0][0]
    named = Call(item.callee, (), {"name": argument(item, 2, "name"), **item.kwargs})
    return _foreign_key(named, columns, table, tuple(column for _, column in found if column))


def exclude_columns(elements: Value, reader: Resolver) -> tuple[str, ...]:
    """The plain columns among the elements of an EXCLUDE constraint."""
    names: list[str] = []
    for element in elements:
        if isinstance(element, tuple) and element:
            name = column_name(element[0], reader)
            if name is not None:
                names.append(name)
    return tuple(names)


_ORDER = re.compile(r"\s+(asc|desc|nulls\s+(first|last)|\w+_ops)\b.*$", re.IGNORECASE | re.DOTALL)
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


def read_key(value: Value, reader: Resolver) -> IndexKey | None:
    """One key of an index: a column name, or an expression; None if it cannot be told."""
    name = column_name(value, reader)
    if name is not None and construct(value) != "literal_column":
        return IndexKey(column=name)
    if isinstance(value, str) or not is_symbol(value):
        return None
    text = _ORDER.sub("", Renderer(reader, qualify=False).render(value)).strip()
    if _IDENTIFIER.fullmatch(text):
        return IndexKey(column=text)
    if re.fullmatch(r'"[^"]+"', text):
        return IndexKey(column=text[1:-1])
    return IndexKey(expression=expression(text))


def is_serial(parts: ColumnParts, key: tuple[str, ...], *, references: bool = False) -> bool:
    """Whether SQLAlchemy renders the column as SERIAL: ``Table._autoincrement_column``.

    ``references`` is true when a foreign key of the table is on the column. A server default gives
    way to ``autoincrement=True``.
    """
    column = parts.column
    if column.name not in key or column.identity or column.generated is not None:
        return False
    if column.type is None or column.type.name not in INTEGERS or column.type.dimensions:
        return False
    if parts.client_default:
        return False
    if parts.autoincrement is True:
        return True
    if column.default is not None or len(key) != 1:
        return False
    if parts.autoincrement == "ignore_fk":
        return True
    return parts.autoincrement == "auto" and not (
        references or parts.foreign_keys or parts.deferred_keys
    )


def index_name(table: Name, column: str) -> str:
    """The name SQLAlchemy gives to the index of ``index=True``: its default naming convention."""
    prefix = f"{table.schema.replace('.', '_')}_" if table.schema else ""
    name = f"ix_{prefix}{table.name}_{column}"
    if len(name) <= _MAX_IDENTIFIER:
        return name
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: _MAX_IDENTIFIER - 8]}_{digest[-4:]}"


_SCHEMA_ITEMS = frozenset(
    {"ForeignKey", "Computed", "Identity", "CheckConstraint", "Sequence", "UniqueConstraint",
     "PrimaryKeyConstraint", "Constraint", "DefaultClause", "FetchedValue"}
)  # fmt: skip
