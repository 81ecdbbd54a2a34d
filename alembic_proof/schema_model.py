"""Owns the schema as the history has built it so far: learnt by replaying operations, never read live.

``schema_replay.replay`` tells the model one operation at a time; it answers questions about the
moment before the next. It knows what it does not know: a table that no revision created may exist
with columns nobody saw, so such questions are answered with None, not with a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from msgspec import structs

from alembic_proof.objects import (
    Check,
    Column,
    Constraint,
    Exclude,
    Expression,
    ForeignKey,
    IndexKey,
    Name,
    NotNull,
    PrimaryKey,
    SqlType,
    Unique,
)


@dataclass(slots=True)
class ColumnState:
    """A column now. None stands for "not known" in ``nullable``, ``has_default`` and ``type``.

    ``added_in`` is the revision that added the column to a table which existed already.
    ``default_from`` is the revision that set the present default. ``stored`` matters for generated
    columns: whether the values are kept on disk. ``collation`` is None for the type's own.
    """

    name: str
    type: SqlType | None = None
    nullable: bool | None = None
    has_default: bool | None = None
    default: Expression | None = None
    identity: bool = False
    serial: bool = False
    generated: bool = False
    stored: bool = True
    collation: str | None = None
    added_in: str | None = None
    default_from: str | None = None


@dataclass(slots=True)
class ConstraintState:
    """A constraint now; ``valid`` is false between NOT VALID and VALIDATE.

    ``inherited`` is true when a parent of the table has it too.

    ``name`` is PostgreSQL's choice where the migration gave none.
    """

    name: str
    constraint: Constraint
    valid: bool = True
    added_in: str | None = None
    validated_in: str | None = None
    inherited: bool = False


@dataclass(slots=True)
class IndexState:
    """An index now. ``constraint`` names the constraint that it belongs to."""

    name: str
    keys: tuple[IndexKey, ...] = ()
    unique: bool = False
    where: Expression | None = None
    constraint: str | None = None
    method: str = "btree"
    added_in: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Its key columns in order; empty when a key is an expression."""
        columns = tuple(key.column for key in self.keys if key.column is not None)
        return columns if len(columns) == len(self.keys) else ()


@dataclass(slots=True)
class TableState:
    """A table, view or materialized view now.

    ``created_in`` is the revision that created it, None when it was there before the history or is
    only known from being named. ``complete`` is true while every column is known,
    ``filled`` unless the history shows that nothing has put a row into it. ``reads`` are the
    relations behind a view. ``unlogged`` is None when not known. ``default_partition`` is true for
    the DEFAULT partition of ``partition_of``; ``inherits`` are the parents of plain inheritance.
    """

    name: Name
    kind: Literal["table", "view", "materialized view"] = "table"
    created_in: str | None = None
    complete: bool = False
    temporary: bool = False
    partitioned: bool = False
    partition_of: Name | None = None
    default_partition: bool = False
    inherits: tuple[Name, ...] = ()
    unlogged: bool | None = None
    filled: bool = True
    columns: dict[str, ColumnState] = field(default_factory=dict)
    constraints: dict[str, ConstraintState] = field(default_factory=dict)
    indexes: dict[str, IndexState] = field(default_factory=dict)
    triggers: set[str] = field(default_factory=set)
    reads: tuple[Name, ...] = ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Its primary key columns; empty when there is none or it is not known."""
        for state in self.constraints.values():
            if isinstance(state.constraint, PrimaryKey):
                return state.constraint.columns
        return ()


@dataclass(slots=True)
class TypeState:
    """An enum, domain or composite type now.

    ``constrained`` is true for a domain with any constraint, ``not_null`` for one that refuses NULL.
    ``added_values`` maps an enum label to its revision.
    """

    name: Name
    kind: str
    values: list[str] = field(default_factory=list)
    base: SqlType | None = None
    constrained: bool = False
    not_null: bool = False
    created_in: str | None = None
    added_values: dict[str, str] = field(default_factory=dict)


class SchemaModel:
    """The schema between two operations.

    ``pending`` are the ids of the release's revisions: what they create is not in use yet.
    ``unfilled`` are the columns that were added without a default in the revision last replayed,
    ``last_revision``, and have been given no value since: they are NULL in every older row.
    ``doubtful`` are tables, and columns and indexes with their table, that were made under a
    condition which could not be decided.
    """

    def __init__(self, pending: Iterable[str] = ()) -> None:
        self.pending = frozenset(pending)
        self.tables: dict[Name, TableState] = {}
        self.types: dict[Name, TypeState] = {}
        self.sequences: dict[Name, str | None] = {}
        self.schema_names: set[str] = set()
        self.doubts: list[str] = []
        self.doubtful: set[tuple[Name, str]] = set()
        self.unfilled: set[tuple[Name, str]] = set()
        self.last_revision: str | None = None
        self._index_tables: dict[Name, Name] = {}

    # Questions

    def table(self, name: Name) -> TableState | None:
        """What is known of a table or view; None when the history never named it."""
        return self.tables.get(name)

    def is_new(self, name: Name) -> bool:
        """Whether the table is created in the pending release, so that nothing uses it yet.

        A partition of a table in use is in use as well.
        """
        table = self.tables.get(name)
        if table is None:
            return False
        if table.temporary:
            return True
        if table.partition_of is not None and not self.is_new(table.partition_of):
            return False
        return table.created_in is not None and table.created_in in self.pending

    def is_empty(self, table: Name) -> bool:
        """Whether the release creates the table for certain and has put no row into it yet."""
        state = self.tables.get(table)
        known = state is not None and not state.filled and not self.is_doubtful(table)
        return known and self.is_new(table)

    def is_doubtful(self, table: Name, member: str = "") -> bool:
        """Whether a table, or its column or index ``member``, was only made under a condition."""
        return (table, member) in self.doubtful

    def column(self, table: Name, column: str) -> ColumnState | None:
        """What is known of a column; None when the history never named it."""
        state = self.tables.get(table)
        return state.columns.get(column) if state else None

    def type_of(self, table: Name, column: str) -> SqlType | None:
        """The column's type before the next operation, None when not known."""
        state = self.column(table, column)
        return state.type if state else None

    def is_nullable(self, table: Name, column: str) -> bool | None:
        """Whether the column accepts NULL, None when not known."""
        state = self.column(table, column)
        return state.nullable if state else None

    def proof_of_not_null(self, table: Name, column: str) -> ConstraintState | None:
        """A validated CHECK (or NOT NULL) that proves that no row has NULL in the column.

        PostgreSQL 12 and later skip the scan of SET NOT NULL when it exists.
        """
        state = self.tables.get(table)
        if state is None:
            return None
        for constraint in state.constraints.values():
            if constraint.valid and column in columns_proved_not_null(constraint.constraint):
                return constraint
        return None

    def constraint(self, table: Name, name: str) -> ConstraintState | None:
        """A constraint by its name."""
        state = self.tables.get(table)
        return state.constraints.get(name) if state else None

    def table_of_index(self, index: Name) -> Name | None:
        """The table that an index is on, None when not known."""
        table = self._index_tables.get(index)
        if table is None and index.schema is None:
            owners = {t for i, t in self._index_tables.items() if i.name == index.name}
            table = owners.pop() if len(owners) == 1 else None
        return table

    def index(self, index: Name) -> IndexState | None:
        """An index by its name."""
        table = self.table_of_index(index)
        return self.tables[table].indexes.get(index.name) if table in self.tables else None

    def foreign_keys(self, table: Name) -> Iterator[ForeignKey]:
        """The foreign keys that a table has."""
        state = self.tables.get(table)
        for constraint in state.constraints.values() if state else ():
            if isinstance(constraint.constraint, ForeignKey):
                yield constraint.constraint

    def referencing(self, table: Name) -> Iterator[tuple[TableState, ForeignKey]]:
        """The foreign keys of other tables (and itself) that point at a table."""
        for state in self.tables.values():
            for constraint in state.constraints.values():
                key = constraint.constraint
                if isinstance(key, ForeignKey) and key.table == table:
                    yield state, key

    def referenced_columns(self, key: ForeignKey) -> tuple[str, ...]:
        """The columns that a foreign key refers to; empty when they are not known."""
        if key.referenced_columns:
            return key.referenced_columns
        state = self.tables.get(key.table)
        return state.primary_key if state else ()

    def foreign_key_constraints(self) -> Iterator[tuple[Name, ConstraintState, ForeignKey]]:
        """Every foreign key known: the table that has it, its state and its definition."""
        for state in self.tables.values():
            for held in state.constraints.values():
                if isinstance(held.constraint, ForeignKey):
                    yield state.name, held, held.constraint

    def views_over(self, table: Name) -> tuple[Name, ...]:
        """The views whose query reads a table, directly or through other views."""
        found: list[Name] = []
        todo = [table]
        while todo:
            current = todo.pop()
            for state in self.tables.values():
                if current in state.reads and state.name not in found:
                    found.append(state.name)
                    todo.append(state.name)
        return tuple(found)

    def query_relations(self, relation: Name) -> tuple[Name, ...]:
        """The relations that a query of this one opens: itself and, for a view, all behind it."""
        found: list[Name] = []
        todo = [relation]
        while todo:
            current = todo.pop()
            if current in found:
                continue
            found.append(current)
            state = self.tables.get(current)
            if state is not None and state.kind == "view":
                todo.extend(state.reads)
        return tuple(found)

    def partitions(self, table: Name) -> tuple[Name, ...]:
        """The known partitions of a table, at every level."""
        return self._below(table, lambda state: (state.partition_of,))

    def default_partition(self, table: Name) -> Name | None:
        """The DEFAULT partition of a table, None when there is none or it is not known."""
        for state in self.tables.values():
            if state.partition_of == table and state.default_partition:
                return state.name
        return None

    def descendants(self, table: Name) -> tuple[Name, ...]:
        """The known partitions and inheriting tables of a table, at every level."""
        return self._below(table, lambda state: (state.partition_of, *state.inherits))

    def _below(
        self, table: Name, parents: Callable[[TableState], tuple[Name | None, ...]]
    ) -> tuple[Name, ...]:
        found: list[Name] = []
        if not any(state.partition_of or state.inherits for state in self.tables.values()):
            return ()
        todo = [table]
        while todo:
            current = todo.pop()
            for state in self.tables.values():
                if current in parents(state) and state.name not in found:
                    found.append(state.name)
                    todo.append(state.name)
        return tuple(found)

    def type(self, name: Name) -> TypeState | None:
        """A user-defined type by its name."""
        return self.types.get(name)

    def type_named(self, name: str) -> TypeState | None:
        """A user-defined type by its name as a column's type writes it."""
        schema, _, bare = name.rpartition(".")
        return self.types.get(Name.of(bare, schema or None))

    def columns_of_type(self, type_name: Name) -> Iterator[tuple[Name, ColumnState]]:
        """The columns known to have a user-defined type."""
        for state in self.tables.values():
            for column in state.columns.values():
                if column.type is not None and column.type.name == str(type_name):
                    yield state.name, column

    def unique_on(self, table: Name, columns: Iterable[str]) -> bool:
        """Whether a unique index or key is known to cover exactly some of these columns."""
        state = self.tables.get(table)
        wanted = set(columns)
        if state is None:
            return False
        return any(
            index.unique and index.where is None and index.columns and set(index.columns) <= wanted
            for index in state.indexes.values()
        )

    # Learning

    def named(self, name: Name) -> TableState:
        """The state of a table; an empty one, not complete, when it was never named before."""
        state = self.tables.get(name)
        if state is None:
            state = self.tables[name] = TableState(name)
        return state

    def add_table(self, state: TableState) -> None:
        """Record a relation that now exists."""
        self.forget_table(state.name)
        self.tables[state.name] = state

    def forget_table(self, name: Name) -> None:
        """Record that a relation is gone, with its indexes and the foreign keys that need it."""
        state = self.tables.pop(name, None)
        if state is None:
            return
        for index in state.indexes:
            self._index_tables.pop(Name.of(index, name.schema), None)
        for other in self.tables.values():
            for key, constraint in list(other.constraints.items()):
                held = constraint.constraint
                if isinstance(held, ForeignKey) and held.table == name:
                    del other.constraints[key]

    def rename_table(self, old: Name, new: Name) -> None:
        """Record that a relation has another name or schema name."""
        state = self.tables.pop(old, None) or TableState(old)
        state.name = new
        self.tables[new] = state
        for index in state.indexes:
            self._index_tables.pop(Name.of(index, old.schema), None)
            self._index_tables[Name.of(index, new.schema)] = new
        for other in self.tables.values():
            other.reads = tuple(new if name == old else name for name in other.reads)
            if other.partition_of == old:
                other.partition_of = new
            other.inherits = tuple(new if name == old else name for name in other.inherits)
            for constraint in other.constraints.values():
                key = constraint.constraint
                if isinstance(key, ForeignKey) and key.table == old:
                    constraint.constraint = structs.replace(key, table=new)

    def add_index(self, table: Name, index: IndexState) -> None:
        """Record an index."""
        self.named(table).indexes[index.name] = index
        self._index_tables[Name.of(index.name, table.schema)] = table

    def forget_index(self, index: Name, table: Name | None = None) -> None:
        """Record that an index is gone."""
        owner = table or self.table_of_index(index)
        if owner is not None and owner in self.tables:
            self.tables[owner].indexes.pop(index.name, None)
        self._index_tables.pop(Name.of(index.name, owner.schema if owner else index.schema), None)

    def rename_index(self, index: Name, new_name: str) -> None:
        """Record that an index, and the constraint it belongs to, has another name."""
        owner = self.table_of_index(index)
        if owner is None:
            return
        state = self.tables[owner].indexes.pop(index.name, None)
        self._index_tables.pop(Name.of(index.name, owner.schema), None)
        if state is None:
            return
        if state.constraint == state.name:
            held = self.tables[owner].constraints.pop(state.name, None)
            state.constraint = new_name
            if held is not None:
                held.name = new_name
                self.tables[owner].constraints[new_name] = held
        state.name = new_name
        self.add_index(owner, state)

    def add_constraint(
        self, table: Name, constraint: Constraint, revision: str, *, new_table: bool = False
    ) -> None:
        """Record a constraint, and the index or nullability that comes with it."""
        state = self.named(table)
        name = constraint.name or default_constraint_name(state, constraint)
        valid = new_table or not getattr(constraint, "not_valid", False)
        state.constraints[name] = ConstraintState(
            name, constraint, valid, revision, revision if valid else None
        )
        match constraint:
            case PrimaryKey() | Unique():
                self._add_key(state, name, constraint, revision)
            case Exclude():
                keys = tuple(IndexKey(column) for column in constraint.columns)
                index = IndexState(name, keys, constraint=name, method="gist", added_in=revision)
                self.add_index(table, index)
            case NotNull(column=column):
                if valid and column in state.columns:
                    state.columns[column].nullable = False
            case ForeignKey() | Check():
                pass

    def forget_constraint(self, table: Name, name: str) -> None:
        """Record that a constraint and its index are gone."""
        state = self.tables.get(table)
        if state is None:
            return
        held = state.constraints.pop(name, None)
        if held is not None and isinstance(held.constraint, NotNull):
            column = state.columns.get(held.constraint.column)
            if column is not None:
                column.nullable = True
        if name in state.indexes and state.indexes[name].constraint == name:
            self.forget_index(Name.of(name, table.schema), table)

    def _add_key(
        self, state: TableState, name: str, constraint: PrimaryKey | Unique, revision: str
    ) -> None:
        columns = constraint.columns
        if constraint.using_index is not None:
            index = state.indexes.get(constraint.using_index)
            columns = columns or (index.columns if index else ())
            self.forget_index(Name.of(constraint.using_index, state.name.schema), state.name)
            held = type(constraint)(name=name, columns=columns, using_index=constraint.using_index)
            state.constraints[name].constraint = held
        keys = tuple(IndexKey(column) for column in columns)
        self.add_index(
            state.name, IndexState(name, keys, unique=True, constraint=name, added_in=revision)
        )
        if isinstance(constraint, PrimaryKey):
            for column in columns:
                if column in state.columns:
                    state.columns[column].nullable = False


def columns_proved_not_null(constraint: Constraint) -> tuple[str, ...]:
    """The columns that have no NULL in any row for which the constraint is validated."""
    match constraint:
        case Check(expression=expression):
            return expression.proves_not_null
        case NotNull(column=column):
            return (column,)
        case PrimaryKey(columns=columns):
            return columns
        case _:
            return ()


def column_state(
    column: Column, *, added_in: str | None = None, default_from: str | None = None
) -> ColumnState:
    """The state of a column that was just defined."""
    not_null = any(isinstance(item, PrimaryKey | NotNull) for item in column.constraints)
    return ColumnState(
        name=column.name,
        type=column.type,
        nullable=column.nullable and not (not_null or column.serial or column.identity),
        has_default=column.default is not None and not column.default.is_null,
        default=column.default,
        identity=column.identity,
        serial=column.serial,
        generated=column.generated is not None,
        stored=column.stored,
        collation=column.collation,
        added_in=added_in,
        default_from=default_from,
    )


def default_constraint_name(table: TableState, constraint: Constraint) -> str:
    """The name PostgreSQL chooses for a constraint without one.

    Source: ChooseConstraintName and ChooseIndexName in PostgreSQL; names over 63 bytes, which
    PostgreSQL shortens, are not imitated.
    """
    columns: tuple[str, ...]
    match constraint:
        case PrimaryKey():
            return f"{table.name.name}_pkey"
        case Unique(columns=columns):
            suffix = "key"
        case Exclude(columns=columns):
            suffix = "excl"
        case ForeignKey(columns=columns):
            suffix = "fkey"
        case NotNull(column=column):
            columns, suffix = (column,), "not_null"
        case Check(expression=expression):
            columns = expression.columns if len(expression.columns) == 1 else ()
            suffix = "check"
    stem = "_".join((table.name.name, *columns, suffix))
    name, number = stem, 0
    while name in table.constraints:
        number += 1
        name = f"{stem}{number}"
    return name
