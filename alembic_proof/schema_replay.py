"""Owns what each operation changes in the schema model; nothing else writes to it."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from msgspec import structs

from alembic_proof.objects import (
    Check,
    Constraint,
    Exclude,
    ForeignKey,
    IndexKey,
    Name,
    NotNull,
    PrimaryKey,
    Unique,
)
from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterColumnSetting,
    AlterSequence,
    AlterTableSetting,
    AlterType,
    AlterView,
    AttachPartition,
    CallFunction,
    ChangeColumnType,
    ColumnSetting,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateTrigger,
    CreateType,
    CreateView,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropSchema,
    DropSequence,
    DropTable,
    DropTrigger,
    DropType,
    DropView,
    InsertRows,
    MergeRows,
    Operation,
    RenameColumn,
    RenameConstraint,
    RenameEnumValue,
    RenameIndex,
    RenameSchema,
    RenameTable,
    RenameTrigger,
    SetDefault,
    SetNotNull,
    SetTableSchema,
    TableSetting,
    Unresolved,
    UpdateRows,
    ValidateConstraint,
)
from alembic_proof.schema_model import (
    ColumnState,
    ConstraintState,
    IndexState,
    SchemaModel,
    TableState,
    TypeState,
    column_state,
)


def replay(
    model: SchemaModel, operation: Operation, revision: str, *, certain: bool = True
) -> None:
    """Change the model as PostgreSQL would change the schema; what is not listed changes nothing.

    What is made while not ``certain``, in one arm of an ``if``, is doubtful until it is made for
    certain: the other arm may make it as well. Never raises for an operation that contradicts what is known (dropping what was never seen):
    histories lean on objects that were made elsewhere.
    """
    if revision != model.last_revision:
        model.last_revision = revision
        model.unfilled.clear()
    made = _made_by(operation)
    if made is not None and certain:
        model.doubtful.discard(made)
    elif made is not None and not _exists(model, *made):
        model.doubtful.add(made)
    if isinstance(operation, Unresolved):
        _forget_what_is_empty(model)
        model.doubts.append(f"{revision}: {operation.reason}")
        for name in operation.tables:
            model.named(name).complete = False
        return
    _replay_table(model, operation, revision)


def _replay_table(model: SchemaModel, operation: Operation, revision: str) -> None:
    match operation:
        case CreateTable():
            _create_table(model, operation, revision)
        case DropTable(table=table, cascade=cascade) | DropView(view=table, cascade=cascade):
            for member in (*(model.views_over(table) if cascade else ()), *model.partitions(table)):
                model.forget_table(member)
            model.forget_table(table)
        case RenameTable(table=table, new_name=new_name):
            model.rename_table(table, Name.of(new_name, table.schema))
        case SetTableSchema(table=table, schema=schema):
            model.rename_table(table, Name.of(table.name, schema))
        case AttachPartition(table=table, partition=partition, bound=bound):
            joined = model.named(partition)
            joined.partition_of, joined.default_partition = table, bound is None
            model.named(table).partitioned = model.named(table).filled = True
            _take_over(model, table, joined, revision)
        case DetachPartition(partition=partition):
            left = model.named(partition)
            left.partition_of, left.default_partition = None, False
        case AlterTableSetting():
            _set_table(model, operation)
        case CreateIndex():
            _create_index(model, operation, revision)
        case DropIndex(index=index, table=index_table):
            model.forget_index(index, index_table)
        case RenameIndex(index=index, new_name=new_name):
            model.rename_index(index, new_name)
        case AddConstraint():
            _add_constraint(model, operation, revision)
        case ValidateConstraint(table=table, name=name):
            for member in (table, *model.descendants(table)):
                _validate_constraint(model, member, name, revision)
        case DropConstraint(name=str(name)):
            _drop_constraint(model, operation, name)
        case RenameConstraint(table=table):
            for member in (table, *model.descendants(table)):
                _rename_constraint(model, structs.replace(operation, table=member))
        case CreateView():
            _create_view(model, operation, revision)
        case AlterView(view=view, new_name=str(new_name)):
            model.rename_table(view, Name.of(new_name, view.schema))
        case (
            AddColumn()
            | DropColumn()
            | RenameColumn()
            | ChangeColumnType()
            | SetNotNull()
            | DropNotNull()
            | SetDefault()
            | DropDefault()
            | AlterColumnSetting()
        ):
            for member in (operation.table, *model.descendants(operation.table)):
                _replay_column(model, structs.replace(operation, table=member), revision)
        case _:
            _replay_other(model, operation, revision)


_ColumnOperation = (
    AddColumn
    | DropColumn
    | RenameColumn
    | ChangeColumnType
    | SetNotNull
    | DropNotNull
    | SetDefault
    | DropDefault
    | AlterColumnSetting
)


def _made_by(operation: Operation) -> tuple[Name, str] | None:
    match operation:
        case CreateTable(table=table):
            return table, ""
        case AddColumn(table=table, column=column):
            return table, column.name
        case CreateIndex(table=table, name=str(name)):
            return table, name
        case _:
            return None


def _exists(model: SchemaModel, table: Name, member: str) -> bool:
    state = model.table(table)
    if state is None or model.is_doubtful(table, member):
        return False
    return not member or member in state.columns or member in state.indexes


def _replay_column(model: SchemaModel, operation: _ColumnOperation, revision: str) -> None:
    match operation:
        case AddColumn():
            _add_column(model, operation, revision)
        case DropColumn():
            _drop_column(model, operation)
        case RenameColumn():
            _rename_column(model, operation)
        case ChangeColumnType(table=table, column=column, type=new_type, collation=collation):
            state = _column(model, table, column)
            state.type, state.collation = new_type, collation
        case SetNotNull(table=table, column=column):
            _column(model, table, column).nullable = False
            for held in model.named(table).constraints.values():
                if isinstance(held.constraint, NotNull) and held.constraint.column == column:
                    held.valid = True
        case DropNotNull(table=table, column=column):
            _column(model, table, column).nullable = True
        case SetDefault(table=table, column=column, default=default):
            state = _column(model, table, column)
            state.default, state.default_from = default, revision
            state.has_default = not default.is_null
        case DropDefault(table=table, column=column):
            state = _column(model, table, column)
            state.default, state.default_from, state.has_default = None, None, False
        case AlterColumnSetting(table=table, column=column, setting=setting):
            state = _column(model, table, column)
            if setting is ColumnSetting.ADD_IDENTITY:
                state.identity, state.nullable = True, False
            elif setting is ColumnSetting.DROP_IDENTITY:
                state.identity = False
            elif setting is ColumnSetting.DROP_EXPRESSION:
                state.generated = False
        case _:
            assert_never(operation)


def _replay_other(model: SchemaModel, operation: Operation, revision: str) -> None:
    match operation:
        case CreateType() | DropType() | AddEnumValue() | RenameEnumValue() | AlterType():
            _replay_type(model, operation, revision)
        case CreateSequence(sequence=sequence):
            model.sequences[sequence] = revision
        case DropSequence(sequence=sequence):
            model.sequences.pop(sequence, None)
        case AlterSequence(sequence=sequence, new_name=str(new_name)):
            created = model.sequences.pop(sequence, None)
            model.sequences[Name.of(new_name, sequence.schema)] = created
        case CreateSchema(schema=schema):
            model.schema_names.add(schema)
        case DropSchema(schema=schema):
            model.schema_names.discard(schema)
            for name in [name for name in model.tables if name.schema == schema]:
                model.forget_table(name)
            for name in [name for name in model.types if name.schema == schema]:
                del model.types[name]
        case RenameSchema(schema=schema, new_name=new_name):
            model.schema_names.discard(schema)
            model.schema_names.add(new_name)
            for name in [name for name in model.tables if name.schema == schema]:
                model.rename_table(name, Name.of(name.name, new_name))
        case CreateTrigger(table=table, name=trigger):
            model.named(table).triggers.add(trigger)
        case DropTrigger(table=table, name=trigger):
            model.named(table).triggers.discard(trigger)
        case RenameTrigger(table=table, name=trigger, new_name=new_name):
            model.named(table).triggers.discard(trigger)
            model.named(table).triggers.add(new_name)
        case CallFunction() | MergeRows():
            _forget_what_is_empty(model)
        case UpdateRows(table=table, columns=columns) | InsertRows(table=table, columns=columns):
            model.named(table).filled = True
            model.unfilled = {
                (owner, name)
                for owner, name in model.unfilled
                if owner != table or (columns and name not in columns)
            }
        case _:
            pass


def _forget_what_is_empty(model: SchemaModel) -> None:
    model.unfilled.clear()
    for state in model.tables.values():
        state.filled = True


_TypeOperation = CreateType | DropType | AddEnumValue | RenameEnumValue | AlterType


def _replay_type(model: SchemaModel, operation: _TypeOperation, revision: str) -> None:
    match operation:
        case CreateType():
            if not (operation.if_not_exists and operation.type in model.types):
                model.types[operation.type] = TypeState(
                    operation.type,
                    operation.kind,
                    list(operation.values),
                    operation.base,
                    bool(operation.constraints),
                    any(isinstance(item, NotNull) for item in operation.constraints),
                    revision,
                )
        case DropType(type=name, cascade=cascade):
            for owner, column in list(model.columns_of_type(name)) if cascade else ():
                _drop_column(model, DropColumn(table=owner, column=column.name))
            model.types.pop(name, None)
        case AddEnumValue():
            _add_enum_value(model, operation, revision)
        case RenameEnumValue(type=name, value=value, new_value=new_value):
            state = model.types.get(name)
            if state is not None and value in state.values:
                state.values[state.values.index(value)] = new_value
        case AlterType(type=name, new_name=str(new_name)):
            _rename_type(model, name, Name.of(new_name, name.schema))
        case AlterType(type=name, constraint=constraint) if constraint is not None:
            if name in model.types:
                model.types[name].constrained = True
        case AlterType(type=name, action=action) if name in model.types:
            if action.upper().split()[:3] == ["SET", "NOT", "NULL"]:
                model.types[name].constrained = model.types[name].not_null = True


def _create_table(model: SchemaModel, operation: CreateTable, revision: str) -> None:
    if operation.if_not_exists and operation.table in model.tables:
        return
    state = TableState(
        operation.table,
        created_in=revision,
        complete=operation.complete,
        temporary=operation.temporary,
        partitioned=operation.partitioned,
        partition_of=operation.partition_of,
        default_partition=operation.default_partition,
        inherits=operation.inherits,
        unlogged=operation.unlogged,
        filled=bool(operation.reads or operation.partition_of or operation.inherits)
        or operation.if_not_exists,
    )
    for column in operation.columns:
        state.columns[column.name] = column_state(column, default_from=revision)
    model.add_table(state)
    _copy_columns(model, operation, state)
    for column in operation.columns:
        for constraint in column.constraints:
            model.add_constraint(operation.table, constraint, revision, new_table=True)
    for constraint in operation.constraints:
        model.add_constraint(operation.table, constraint, revision, new_table=True)
    for parent in (operation.partition_of, *operation.inherits):
        if parent is not None:
            _take_over(model, parent, state, revision)


def _copy_columns(model: SchemaModel, operation: CreateTable, state: TableState) -> None:
    """Add the columns that come from other tables; the new one is complete if those are."""
    sources = [*operation.inherits, *operation.like]
    if operation.partition_of is not None:
        sources.append(operation.partition_of)
    known = True
    for name in sources:
        source = model.table(name)
        known = known and source is not None and source.complete
        for column in source.columns.values() if source is not None else ():
            state.columns.setdefault(column.name, replace(column))
    if sources and known and not operation.reads:
        state.complete = True


def _take_over(model: SchemaModel, parent: Name, child: TableState, revision: str) -> None:
    """Give a child the constraints and indexes of its parent.

    CHECK and NOT NULL are inherited; keys, foreign keys and indexes only by partitions.
    """
    above = model.table(parent)
    if above is None:
        return
    partition = child.partition_of == parent
    for name, held in list(above.constraints.items()):
        inherited = _inherited(held, name, partition=partition)
        if inherited is None:
            continue
        if not _has_constraint(child, inherited):
            model.add_constraint(child.name, inherited, revision, new_table=held.valid)
        for own in child.constraints.values():
            own.inherited = own.inherited or _is_alike(own.constraint, inherited)
    for index in list(above.indexes.values()) if partition else ():
        alike = (index.keys, index.unique, index.method)
        if all((own.keys, own.unique, own.method) != alike for own in child.indexes.values()):
            model.add_index(child.name, replace(index, name=_index_name(child, index.keys)))


def _inherited(held: ConstraintState, name: str, *, partition: bool) -> Constraint | None:
    """What a child gets of its parent's constraint: a key gets a name of its own."""
    match held.constraint:
        case Check() | NotNull():
            return structs.replace(held.constraint, name=name)
        case ForeignKey() if partition:
            return structs.replace(held.constraint, name=name)
        case PrimaryKey() | Unique() | Exclude() if partition:
            return structs.replace(held.constraint, name=None)
        case _:
            return None


def _has_constraint(table: TableState, wanted: Constraint) -> bool:
    return any(_is_alike(held.constraint, wanted) for held in table.constraints.values())


def _is_alike(constraint: Constraint, other: Constraint) -> bool:
    """Whether two constraints are the same but for their names."""
    return structs.replace(constraint, name=other.name) == other


def _add_constraint(model: SchemaModel, operation: AddConstraint, revision: str) -> None:
    table = operation.table
    model.add_constraint(table, operation.constraint, revision)
    for child in model.descendants(table):
        state = model.named(child)
        for parent in (state.partition_of, *state.inherits):
            if parent is not None:
                _take_over(model, parent, state, revision)


def _validate_constraint(model: SchemaModel, table: Name, name: str, revision: str) -> None:
    held = model.constraint(table, name)
    if held is None:
        return
    held.valid, held.validated_in = True, revision
    if (
        isinstance(held.constraint, NotNull)
        and held.constraint.column in model.named(table).columns
    ):
        _column(model, table, held.constraint.column).nullable = False


def _drop_constraint(model: SchemaModel, operation: DropConstraint, name: str) -> None:
    table = operation.table
    held = model.constraint(table, name)
    if held is not None and operation.cascade:
        for other, key in list(model.referencing(table)):
            if set(model.referenced_columns(key)) == set(_columns_of(held.constraint)):
                _forget_foreign_key(other, key)
    for child in model.descendants(table) if held is not None else ():
        state = model.named(child)
        for own in list(state.constraints.values()):
            if held is not None and _is_alike(own.constraint, held.constraint):
                model.forget_constraint(child, own.name)
    model.forget_constraint(table, name)


def _forget_foreign_key(table: TableState, key: ForeignKey) -> None:
    for name, held in list(table.constraints.items()):
        if held.constraint is key:
            del table.constraints[name]


def _create_view(model: SchemaModel, operation: CreateView, revision: str) -> None:
    existing = model.table(operation.view)
    if existing is not None and operation.if_not_exists:
        return
    model.add_table(
        TableState(
            operation.view,
            "materialized view" if operation.materialized else "view",
            created_in=existing.created_in if existing is not None else revision,
            temporary=operation.temporary,
            reads=operation.reads,
        )
    )


def _set_table(model: SchemaModel, operation: AlterTableSetting) -> None:
    table = model.named(operation.table)
    match operation.setting:
        case TableSetting.LOGGED:
            table.unlogged = False
        case TableSetting.UNLOGGED:
            table.unlogged = True
        case TableSetting.INHERIT if operation.other is not None:
            table.inherits = (*table.inherits, operation.other)
        case TableSetting.NO_INHERIT:
            table.inherits = tuple(name for name in table.inherits if name != operation.other)
        case _:
            pass


def _create_index(model: SchemaModel, operation: CreateIndex, revision: str) -> None:
    table = model.named(operation.table)
    name = operation.name or _index_name(table, operation.keys)
    if operation.if_not_exists and name in table.indexes:
        return
    index = IndexState(
        name,
        operation.keys,
        operation.unique,
        operation.where,
        method=operation.method,
        added_in=revision,
    )
    model.add_index(operation.table, index)
    for partition in model.partitions(operation.table) if not operation.only else ():
        own_name = _index_name(model.named(partition), operation.keys)
        model.add_index(partition, replace(index, name=own_name))


def _index_name(table: TableState, keys: tuple[IndexKey, ...]) -> str:
    """The name PostgreSQL chooses for an index without one."""
    stem = "_".join((table.name.name, *(key.column or "expr" for key in keys), "idx"))
    name, number = stem, 0
    while name in table.indexes:
        number += 1
        name = f"{stem}{number}"
    return name


def _column(model: SchemaModel, table: Name, column: str) -> ColumnState:
    columns = model.named(table).columns
    if column not in columns:
        columns[column] = ColumnState(column)
    return columns[column]


def _add_column(model: SchemaModel, operation: AddColumn, revision: str) -> None:
    table = model.named(operation.table)
    name = operation.column.name
    if operation.if_not_exists and name in table.columns:
        return
    added_in = None if table.created_in == revision else revision
    state = column_state(operation.column, added_in=added_in, default_from=revision)
    table.columns[name] = state
    if not (state.has_default or state.identity or state.serial or state.generated):
        model.unfilled.add((operation.table, name))
    for constraint in operation.column.constraints:
        model.add_constraint(operation.table, constraint, revision)


def _drop_column(model: SchemaModel, operation: DropColumn) -> None:
    table = model.named(operation.table)
    column = operation.column
    table.columns.pop(column, None)
    for index in list(table.indexes.values()):
        used = [key.column for key in index.keys]
        used += [name for key in index.keys if key.expression for name in key.expression.columns]
        used += index.where.columns if index.where is not None else ()
        if column in used:
            model.forget_index(Name.of(index.name, table.name.schema), table.name)
    for name, state in list(table.constraints.items()):
        if column in _columns_of(state.constraint):
            model.forget_constraint(operation.table, name)
    for other, key in list(model.referencing(operation.table)):
        if column in key.referenced_columns:
            _forget_foreign_key(other, key)


def _columns_of(constraint: object) -> tuple[str, ...]:
    if isinstance(constraint, Check):
        return constraint.expression.columns
    column = getattr(constraint, "column", None)
    return (column,) if column else tuple(getattr(constraint, "columns", ()))


def _rename_column(model: SchemaModel, operation: RenameColumn) -> None:
    table = model.named(operation.table)
    old, new = operation.column, operation.new_name
    state = table.columns.pop(old, None) or ColumnState(old)
    state.name = new
    table.columns[new] = state
    for index in table.indexes.values():
        index.keys = tuple(
            IndexKey(new, key.expression) if key.column == old else key for key in index.keys
        )
    for held in table.constraints.values():
        held.constraint = _with_renamed_column(held.constraint, old, new)
    for other, key in list(model.referencing(operation.table)):
        renamed = tuple(new if name == old else name for name in key.referenced_columns)
        for held in other.constraints.values():
            if held.constraint is key:
                held.constraint = structs.replace(key, referenced_columns=renamed)


def _with_renamed_column(constraint: Constraint, old: str, new: str) -> Constraint:
    def renamed(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in columns)

    match constraint:
        case PrimaryKey() | Unique() | Exclude() | ForeignKey():
            return structs.replace(constraint, columns=renamed(constraint.columns))
        case NotNull(column=column):
            return structs.replace(constraint, column=new if column == old else column)
        case Check(expression=expression):
            expression = structs.replace(
                expression,
                columns=renamed(expression.columns),
                proves_not_null=renamed(expression.proves_not_null),
            )
            return structs.replace(constraint, expression=expression)


def _rename_constraint(model: SchemaModel, operation: RenameConstraint) -> None:
    table = model.named(operation.table)
    state = table.constraints.pop(operation.name, None)
    if state is None:
        return
    state.name = operation.new_name
    table.constraints[operation.new_name] = state
    if operation.name in table.indexes:
        model.rename_index(Name.of(operation.name, table.name.schema), operation.new_name)
        table.indexes[operation.new_name].constraint = operation.new_name


def _add_enum_value(model: SchemaModel, operation: AddEnumValue, revision: str) -> None:
    state = model.types.get(operation.type)
    if state is None:
        state = model.types[operation.type] = TypeState(operation.type, "enum")
    if operation.value in state.values:
        return
    place = len(state.values)
    if operation.before in state.values:
        place = state.values.index(operation.before)
    elif operation.after in state.values:
        place = state.values.index(operation.after) + 1
    state.values.insert(place, operation.value)
    state.added_values[operation.value] = revision


def _rename_type(model: SchemaModel, old: Name, new: Name) -> None:
    state = model.types.pop(old, None)
    if state is not None:
        state.name = new
        model.types[new] = state
    for _, column in list(model.columns_of_type(old)):
        if column.type is not None:
            column.type = structs.replace(column.type, name=str(new))
