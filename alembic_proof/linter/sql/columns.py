"""Owns columns and constraints as CREATE TABLE, ALTER TABLE and CREATE DOMAIN define them."""

from __future__ import annotations

from typing import Final

import msgspec

from alembic_proof.linter.sql.cursor import Cursor, Unreadable, read_type_at
from alembic_proof.linter.sql.queries import expression_of, known_expression_of
from alembic_proof.linter.sql.tokens import Kind, words
from alembic_proof.objects import (
    Check,
    Column,
    Constraint,
    Exclude,
    Expression,
    ForeignKey,
    NotNull,
    PrimaryKey,
    SqlType,
    Unique,
)

# Constraints

_ACTIONS: Final = ("NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT")


_TABLE_CONSTRAINTS: Final = ("CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "FOREIGN", "EXCLUDE")


def is_table_constraint(cursor: Cursor) -> bool:
    """Whether a table constraint is next, and not a column."""
    if cursor.at("NOT", "NULL"):
        return True
    return cursor.at_any(*_TABLE_CONSTRAINTS)


def table_constraint(cursor: Cursor) -> Constraint:
    """Take one constraint as it stands in CREATE TABLE, ALTER TABLE ADD or ALTER DOMAIN ADD."""
    name = cursor.identifier() if cursor.accept("CONSTRAINT") else None
    constraint = _constraint_body(cursor, name)
    return _with_attributes(cursor, constraint)


def _constraint_body(cursor: Cursor, name: str | None) -> Constraint:
    if cursor.accept("PRIMARY", "KEY"):
        columns, index = _key(cursor)
        return PrimaryKey(name=name, columns=columns, using_index=index)
    if cursor.accept("UNIQUE"):
        columns, index = _key(cursor)
        return Unique(name=name, columns=columns, using_index=index)
    if cursor.accept("CHECK"):
        return Check(name=name, expression=expression_of(cursor.group()))
    if cursor.accept("FOREIGN", "KEY"):
        columns = _key_columns(cursor)
        cursor.expect("REFERENCES")
        return _references(cursor, name, columns)
    if cursor.accept("EXCLUDE"):
        return _exclude(cursor, name)
    if cursor.accept("NOT", "NULL"):
        return NotNull(name=name, column=cursor.identifier())
    raise cursor.unexpected()


def _key(cursor: Cursor) -> tuple[tuple[str, ...], str | None]:
    _nulls_distinct(cursor)
    if cursor.accept("USING", "INDEX"):
        return (), cursor.identifier()
    columns = _key_columns(cursor)
    _index_parameters(cursor)
    return columns, None


def _key_columns(cursor: Cursor) -> tuple[str, ...]:
    """Take ``(a, b)``, and the PERIOD and WITHOUT OVERLAPS of PostgreSQL 18."""

    def column(item: Cursor) -> str:
        if item.at("PERIOD") and item.peek(1).kind in (Kind.WORD, Kind.QUOTED):
            item.next()
        name = item.identifier()
        item.accept("WITHOUT", "OVERLAPS")
        return name

    inside = cursor.group()
    columns = inside.list_of(column)
    inside.finish()
    return columns


def _nulls_distinct(cursor: Cursor) -> None:
    if not cursor.accept("NULLS", "NOT", "DISTINCT"):
        cursor.accept("NULLS", "DISTINCT")


def _index_parameters(cursor: Cursor) -> None:
    """Take INCLUDE, WITH and USING INDEX TABLESPACE of a constraint's index."""
    if cursor.accept("INCLUDE"):
        cursor.identifiers()
    if cursor.accept("WITH"):
        cursor.group()
    if cursor.accept("USING", "INDEX", "TABLESPACE"):
        cursor.identifier()


def _references(cursor: Cursor, name: str | None, columns: tuple[str, ...]) -> ForeignKey:
    table = cursor.name()
    referenced = _key_columns(cursor) if cursor.at("(") else ()
    actions: dict[str, str] = {}
    while True:
        if cursor.accept("MATCH"):
            if not cursor.accept_any("FULL", "PARTIAL", "SIMPLE"):
                raise cursor.unexpected()
        elif cursor.at("ON", "DELETE") or cursor.at("ON", "UPDATE"):
            cursor.next()
            event = cursor.next().word
            actions[event] = _referential_action(cursor)
        else:
            return ForeignKey(
                name=name,
                columns=columns,
                table=table,
                referenced_columns=referenced,
                on_delete=actions.get("DELETE"),
                on_update=actions.get("UPDATE"),
            )


def _referential_action(cursor: Cursor) -> str:
    for action in _ACTIONS:
        if cursor.accept(*action.split()):
            if cursor.at("(") and action.startswith("SET"):
                cursor.identifiers()
            return action
    raise cursor.unexpected()


def _exclude(cursor: Cursor, name: str | None) -> Exclude:
    if cursor.accept("USING"):
        cursor.identifier()
    columns = []
    for element in cursor.group().split():
        plain = element.peek().kind in (Kind.WORD, Kind.QUOTED) and element.peek(1).word != "("
        if element.peek().has_hole:
            raise element.unexpected()
        if plain:
            columns.append(element.identifier())
    _index_parameters(cursor)
    if cursor.accept("WHERE"):
        cursor.group()
    return Exclude(name=name, columns=tuple(columns))


def _with_attributes(cursor: Cursor, constraint: Constraint) -> Constraint:
    """Take what may follow a constraint.

    NOT ENFORCED (PostgreSQL 18) leaves existing rows unchecked as NOT VALID does.
    """
    while True:
        if cursor.accept("NOT", "VALID") or cursor.accept("NOT", "ENFORCED"):
            if not isinstance(constraint, ForeignKey | Check | NotNull):
                raise Unreadable("this kind of constraint is always enforced and validated")
            constraint = msgspec.structs.replace(constraint, not_valid=True)
        elif not _attribute(cursor):
            return constraint


def _attribute(cursor: Cursor) -> bool:
    return (
        cursor.accept("NOT", "DEFERRABLE")
        or cursor.accept("DEFERRABLE")
        or cursor.accept("INITIALLY", "DEFERRED")
        or cursor.accept("INITIALLY", "IMMEDIATE")
        or cursor.accept("NO", "INHERIT")
        or cursor.accept("ENFORCED")
    )


# Columns

_SERIALS: Final = {"smallserial": "smallint", "serial": "integer", "bigserial": "bigint"}
_COLUMN_CLAUSES: Final = words(
    "CONSTRAINT CHECK UNIQUE PRIMARY REFERENCES GENERATED COLLATE DEFAULT DEFERRABLE INITIALLY "
    "STORAGE COMPRESSION"
)


class _ColumnParts:
    """A column definition while it is being read."""

    def __init__(self, name: str, written: SqlType | None) -> None:
        serial = _SERIALS.get(written.name) if written and not written.dimensions else None
        self.name = name
        self.type = SqlType(serial) if serial else written
        self.serial = serial is not None
        self.nullable = serial is None
        self.default: Expression | None = None
        self.identity = False
        self.generated: Expression | None = None
        self.stored = True
        self.collation: str | None = None
        self.constraints: list[Constraint] = []

    def column(self) -> Column:
        """The finished column."""
        return Column(
            name=self.name,
            type=self.type,
            nullable=self.nullable,
            default=self.default,
            serial=self.serial,
            identity=self.identity,
            generated=self.generated,
            stored=self.stored,
            collation=self.collation,
            constraints=tuple(self.constraints),
        )


def column_definition(cursor: Cursor, *, typed: bool = True) -> Column:
    """Take one column definition; without ``typed`` its type comes from elsewhere."""
    name = cursor.identifier()
    if not typed:
        cursor.accept("WITH", "OPTIONS")
    parts = _ColumnParts(name, read_type_at(cursor) if typed else None)
    while not cursor.done:
        _column_clause(cursor, parts)
    return parts.column()


def _column_clause(cursor: Cursor, parts: _ColumnParts) -> None:
    constraint_name = cursor.identifier() if cursor.accept("CONSTRAINT") else None
    if cursor.accept("NOT", "NULL"):
        parts.nullable = False
        while _attribute(cursor):
            pass
    elif cursor.accept("NULL"):
        pass
    elif cursor.accept("DEFAULT"):
        parts.default = default_value(cursor)
    elif cursor.accept("GENERATED"):
        _generated(cursor, parts)
    elif cursor.accept("COLLATE"):
        parts.collation = str(cursor.name())
    elif cursor.accept_any("STORAGE", "COMPRESSION"):
        cursor.identifier()
    elif cursor.accept("REFERENCES"):
        key = _references(cursor, constraint_name, (parts.name,))
        parts.constraints.append(_with_attributes(cursor, key))
    else:
        parts.constraints.append(_inline_constraint(cursor, constraint_name, parts))


def _inline_constraint(
    cursor: Cursor, constraint_name: str | None, parts: _ColumnParts
) -> Constraint:
    constraint: Constraint
    if cursor.accept("PRIMARY", "KEY"):
        parts.nullable = False
        _index_parameters(cursor)
        constraint = PrimaryKey(name=constraint_name, columns=(parts.name,))
    elif cursor.accept("UNIQUE"):
        _nulls_distinct(cursor)
        _index_parameters(cursor)
        constraint = Unique(name=constraint_name, columns=(parts.name,))
    elif cursor.accept("CHECK"):
        constraint = Check(name=constraint_name, expression=expression_of(cursor.group()))
    else:
        raise cursor.unexpected()
    return _with_attributes(cursor, constraint)


def default_value(cursor: Cursor) -> Expression:
    """Take the expression after DEFAULT, up to the next clause of the column.

    PostgreSQL allows neither NOT nor IS NULL outside parentheses there, which is what makes the
    end of it certain.
    """
    start = cursor.index

    def next_clause(at: Cursor) -> bool:
        if at.index == start:
            return False
        if at.at_any("NULL", "NOT"):
            return at.tokens[at.index - 1].word != "IS"
        return at.at_any(*_COLUMN_CLAUSES) and not at.at("DEFAULT", ".")

    return known_expression_of(cursor.until(next_clause))


def _generated(cursor: Cursor, parts: _ColumnParts) -> None:
    always = cursor.accept("ALWAYS")
    if not always:
        cursor.expect("BY", "DEFAULT")
    cursor.expect("AS")
    if cursor.accept("IDENTITY"):
        parts.identity = True
        parts.nullable = False
        if cursor.at("("):
            cursor.group()
        return
    if not always:
        raise cursor.unexpected()
    parts.generated = expression_of(cursor.group())
    # PostgreSQL 18 computes a generated column when it is read unless STORED is written.
    parts.stored = cursor.accept("STORED")
    if not parts.stored:
        cursor.accept("VIRTUAL")
