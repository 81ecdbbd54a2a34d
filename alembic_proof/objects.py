"""Owns the small values that operations are made of: names, types, expressions, columns, constraints.

They say what a migration *wrote*, after aliases, constants and Alembic's own defaults are resolved;
what could not be read is ``None`` where the field allows it. They know nothing about effects.
"""

from __future__ import annotations

import msgspec


class Name(msgspec.Struct, frozen=True):
    """A relation, type or function as PostgreSQL stores its name: folded to lower case unless quoted.

    ``schema`` is the schema name when the migration gives one other than ``public``; a bare name and
    ``public.name`` are the same object to us.
    """

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def __lt__(self, other: Name) -> bool:
        return str(self) < str(other)

    @classmethod
    def of(cls, name: str, schema: str | None = None) -> Name:
        """A name whose schema name ``public`` is dropped."""
        return cls(name, None if schema in (None, "", "public") else schema)


class SqlType(msgspec.Struct, frozen=True):
    """A column type: PostgreSQL's own name for it, modifiers, array dimensions.

    ``name`` is canonical for built-in types (``integer``, ``character varying`` is ``varchar``, see
    ``postgres/types.py``) and the written name, schema included, for user-defined ones.
    """

    name: str
    modifiers: tuple[int, ...] = ()
    dimensions: int = 0

    def __str__(self) -> str:
        modifiers = f"({','.join(map(str, self.modifiers))})" if self.modifiers else ""
        return f"{self.name}{modifiers}{'[]' * self.dimensions}"


class Expression(msgspec.Struct, frozen=True):
    """A SQL expression: a default, a CHECK, a WHERE, a USING.

    ``columns`` and ``functions`` are every column and function it names (functions in lower case,
    without schema name; ``now`` also for CURRENT_TIMESTAMP). ``proves_not_null`` are the columns
    that cannot be NULL in a row for which the expression, as a CHECK, holds. ``cast_of`` is the
    column when the whole expression is that column or a cast of it, and ``cast_to`` the type of
    that cast. ``reads`` are the tables of its subqueries. ``opaque`` is true when the text could
    not be parsed, so that all the other fields are unknown.
    """

    text: str
    columns: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    proves_not_null: tuple[str, ...] = ()
    cast_of: str | None = None
    cast_to: SqlType | None = None
    reads: tuple[Name, ...] = ()
    opaque: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it is the literal NULL."""
        return self.text.strip().lower() == "null"


class PrimaryKey(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="constraint"):
    """PRIMARY KEY; ``using_index`` names an index that becomes it."""

    name: str | None = None
    columns: tuple[str, ...] = ()
    using_index: str | None = None


class Unique(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="constraint"):
    """UNIQUE; ``using_index`` names an index that becomes it."""

    name: str | None = None
    columns: tuple[str, ...] = ()
    using_index: str | None = None


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="constraint"):
    """FOREIGN KEY; ``referenced_columns`` is empty when the primary key is meant."""

    name: str | None = None
    columns: tuple[str, ...] = ()
    table: Name
    referenced_columns: tuple[str, ...] = ()
    not_valid: bool = False
    on_delete: str | None = None
    on_update: str | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="constraint"):
    """CHECK (expression)."""

    name: str | None = None
    expression: Expression
    not_valid: bool = False


class Exclude(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="constraint"):
    """EXCLUDE; always builds an index, never NOT VALID."""

    name: str | None = None
    columns: tuple[str, ...] = ()


class NotNull(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="constraint"):
    """NOT NULL as a named table constraint (PostgreSQL 18)."""

    name: str | None = None
    column: str
    not_valid: bool = False


Constraint = PrimaryKey | Unique | ForeignKey | Check | Exclude | NotNull


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column definition.

    ``type`` is None when it could not be read. ``constraints`` are the inline ones that PostgreSQL
    gets in the same statement (an Alembic ``add_column`` sends foreign keys and uniques in a second
    one: those are operations of their own). ``serial`` is true for serial types; ``type`` is then
    the integer type behind it. ``generated`` is the expression of a generated column and ``stored``
    whether it is kept on disk.
    """

    name: str
    type: SqlType | None = None
    nullable: bool = True
    default: Expression | None = None
    serial: bool = False
    identity: bool = False
    generated: Expression | None = None
    stored: bool = True
    collation: str | None = None
    comment: str | None = None
    constraints: tuple[Constraint, ...] = ()


class IndexKey(msgspec.Struct, frozen=True):
    """One key of an index: a column name, or an expression."""

    column: str | None = None
    expression: Expression | None = None
