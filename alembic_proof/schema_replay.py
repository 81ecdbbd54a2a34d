"""Owns what each operation changes in the schema model; nothing else writes to it."""

from __future__ import annotations

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
    AlterType,
    AlterView,
    AttachPartition,
    ChangeColumnType,
    ColumnSetting,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateTable,
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
    DropType,
    DropView,
    Operation,
    RenameColumn,
    RenameConstraint,
    RenameEnumValue,
    RenameIndex,
    RenameSchema,
    RenameTable,
    SetDefault,
    SetNotNull,
    SetTableSchema,
    Unresolved,
    ValidateConstraint,
)
from alembic_proof.schema_model import (
    ColumnState,
    IndexState,
    SchemaModel,
    TableState,
    TypeState,
    column_state,
)


def replay(model: SchemaModel, operation: Operation, revision: str) -> None:
    """Change the model as PostgreSQL would change the schema; what is not listed changes nothing.

    Never raises for an operation that contradicts what is known (dropping what was never seen):
    histories lean on objects that were made elsewhere.
    """
    match operation:
        case Unresolved(reason=reason, tables=tables):
            model.doubts.append(f"{revision}: {reason}")
            for name in tables:
                model.named(name).complete = False
        case CreateTable():
            _create_table(model, operation, revision)
        case DropTable(table=table):
            model.forget_table(table)
        case RenameTable(table=table, new_name=new_name):
            model.rename_table(table, Name.of(new_name, table.schema))
        case SetTableSchema(table=table, schema=schema):
            model.rename_table(table, Name.of(table.name, schema))
        case AttachPartition(table=table, partition=partition):
            model.named(partition).partition_of = table
            model.named(table).partitioned = True
        case DetachPartition(partition=partition):
            model.named(partition).partition_of = None
        case CreateIndex():
            _create_index(model, operation, revision)
        case DropIndex(index=index, table=index_table):
            model.forget_index(index, index_table)
        case RenameIndex(index=index, new_name=new_name):
            model.rename_index(index, new_name)
        case AddConstraint(table=table, constraint=constraint):
            model.add_constraint(table, constraint, revision)
        case ValidateConstraint(table=table, name=name):
            held = model.constraint(table, name)
            if held is not None:
                held.valid, held.validated_in = True, revision
        case DropConstraint(table=table, name=str(name)):
            model.forget_constraint(table, name)
        case RenameConstraint():
            _rename_constraint(model, operation)
        case CreateView(view=view, reads=reads, materialized=materialized):
            state = TableState(view, "view", created_in=revision, reads=reads)
            state.kind = "materialized view" if materialized else "view"
            model.add_table(state)
        case DropView(view=view):
            model.forget_table(view)
        case AlterView(view=view, new_name=str(new_name)):
            model.rename_table(view, Name.of(new_name, view.schema))
        case _:
            _replay_column(model, operation, revision)


def _replay_column(model: SchemaModel, operation: Operation, revision: str) -> None:
    match operation:
        case AddColumn():
            _add_column(model, operation, revision)
        case DropColumn():
            _drop_column(model, operation)
        case RenameColumn():
            _rename_column(model, operation)
        case ChangeColumnType(table=table, column=column, type=new_type):
            _column(model, table, column).type = new_type
        case SetNotNull(table=table, column=column):
            _column(model, table, column).nullable = False
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
            _replay_other(model, operation, revision)


def _replay_other(model: SchemaModel, operation: Operation, revision: str) -> None:
    match operation:
        case CreateType():
            if not (operation.if_not_exists and operation.type in model.types):
                model.types[operation.type] = TypeState(
                    operation.type,
                    operation.kind,
                    list(operation.values),
                    operation.base,
                    bool(operation.constraints),
                    revision,
                )
        case DropType(type=name):
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
        case RenameSchema(schema=schema, new_name=new_name):
            model.schema_names.discard(schema)
            model.schema_names.add(new_name)
            for name in [name for name in model.tables if name.schema == schema]:
                model.rename_table(name, Name.of(name.name, new_name))
        case _:
            pass


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
    )
    for column in operation.columns:
        state.columns[column.name] = column_state(column, default_from=revision)
    model.add_table(state)
    for column in operation.columns:
        for constraint in column.constraints:
            model.add_constraint(operation.table, constraint, revision, new_table=True)
    for constraint in operation.constraints:
        model.add_constraint(operation.table, constraint, revision, new_table=True)


def _create_index(model: SchemaModel, operation: CreateIndex, revision: str) -> None:
    name = operation.name or _index_name(model, operation)
    if operation.if_not_exists and name in model.named(operation.table).indexes:
        return
    model.add_index(
        operation.table,
        IndexState(
            name,
            operation.keys,
            operation.unique,
            operation.where,
            method=operation.method,
            added_in=revision,
        ),
    )


def _index_name(model: SchemaModel, operation: CreateIndex) -> str:
    stem = "_".join(
        (operation.table.name, *(key.column or "expr" for key in operation.keys), "idx")
    )
    name, number = stem, 0
    while name in model.named(operation.table).indexes:
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
    table.columns[name] = column_state(operation.column, added_in=added_in, default_from=revision)
    for constraint in operation.column.constraints:
        model.add_constraint(operation.table, constraint, revision)


def _drop_column(model: SchemaModel, operation: DropColumn) -> None:
    table = model.named(operation.table)
    column = operation.column
    table.columns.pop(column, None)
    for index in list(table.indexes.values()):
        used = [key.column for key in index.keys]
        used += [name for key in index.keys if key.expression for name in key.expression.columns]
        if column in used:
            model.forget_index(Name.of(index.name, table.name.schema), table.name)
    for name, state in list(table.constraints.items()):
        if column in _columns_of(state.constraint):
            model.forget_constraint(operation.table, name)
    for other, key in list(model.referencing(operation.table)):
        if column in key.referenced_columns:
            for name, state in list(other.constraints.items()):
                if state.constraint is key:
                    del other.constraints[name]


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
    if operation.value not in state.values:
        state.values.append(operation.value)
        state.added_values[operation.value] = revision


def _rename_type(model: SchemaModel, old: Name, new: Name) -> None:
    state = model.types.pop(old, None)
    if state is not None:
        state.name = new
        model.types[new] = state
    for _, column in model.columns_of_type(old):
        if column.type is not None:
            column.type = structs.replace(column.type, name=str(new))
