"""libpg_query's parse tree of names, types, expressions, columns, constraints and tables.

One half of the second opinion on SQL; see ``libpg_query.py`` beside this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from pglast import ast

from alembic_proof.objects import (
    Check,
    Column,
    Constraint,
    Exclude,
    Expression,
    ForeignKey,
    Name,
    NotNull,
    PrimaryKey,
    SqlType,
    Unique,
)
from alembic_proof.operations import (
    AddColumn,
    AddConstraint,
    AlterColumnSetting,
    AlterConstraint,
    AlterIndex,
    AlterSequence,
    AlterTableSetting,
    AlterView,
    AttachPartition,
    ChangeColumnType,
    ColumnSetting,
    CreateTable,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropNotNull,
    Operation,
    SetDefault,
    SetNotNull,
    TableSetting,
    ValidateConstraint,
)


class Uncompared(Exception):  # noqa: N818 - an outcome, not an error
    """The statement is of a kind for which the operation holds nothing worth comparing."""


# Names, types, expressions

_TYPE_NAMES = {
    "int2": "smallint",
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "bool": "boolean",
    "bpchar": "char",
    "decimal": "numeric",
    "serial2": "smallserial",
    "serial4": "serial",
    "serial8": "bigserial",
}
_SERIAL = {"smallserial": "smallint", "serial": "integer", "bigserial": "bigint"}


def name_of(parts: Iterable[Any]) -> Name:
    words = [part.sval for part in parts]
    return Name.of(words[-1], words[-2] if len(words) > 1 else None)


def relation_of(node: Any) -> Name:
    return Name.of(node.relname, node.schemaname)


def type_of(node: Any) -> SqlType:
    name = name_of(node.names)
    modifiers = tuple(
        item.val.ival if isinstance(getattr(item, "val", None), ast.Integer) else None
        for item in node.typmods or ()
    )
    if name.schema in (None, "pg_catalog"):
        text = _TYPE_NAMES.get(name.name, name.name)
    else:
        text = str(name)
    if text == "interval" or None in modifiers:
        modifiers = ()
    return SqlType(text, modifiers, len(node.arrayBounds or ()))  # type: ignore[arg-type]


def nodes_of(value: Any) -> Iterator[Any]:
    """Every node of a tree, a node before what is under it."""
    pending = [value]
    while pending:
        item = pending.pop(0)
        if isinstance(item, tuple | list):
            pending = [*item, *pending]
        elif isinstance(item, ast.Node):
            yield item
            pending = [*(getattr(item, slot) for slot in item), *pending]


def _columns(value: Any) -> tuple[str, ...]:
    last = [node.fields[-1] for node in nodes_of(value) if type(node).__name__ == "ColumnRef"]
    return tuple(sorted({field.sval or "" for field in last if isinstance(field, ast.String)}))


def _is_system(name: Name) -> bool:
    if name.schema is None:
        return name.name.startswith("pg_")
    return name.schema in ("pg_catalog", "information_schema", "pg_toast")


def reads_of(value: Any, hidden: frozenset[str] = frozenset()) -> set[Name]:
    """The relations that a tree reads, without common table expressions and catalogues."""
    if isinstance(value, tuple | list):
        return set().union(*(reads_of(item, hidden) for item in value))
    if not isinstance(value, ast.Node):
        return set()
    found: set[Name] = set()
    clause = getattr(value, "withClause", None)
    if clause is not None:
        if clause.recursive:
            hidden = hidden | {table.ctename for table in clause.ctes}
        for table in clause.ctes:
            if isinstance(table.ctequery, ast.SelectStmt):
                found |= reads_of(table.ctequery, hidden)
            hidden = hidden | {table.ctename}
    if isinstance(value, ast.RangeVar):
        name = relation_of(value)
        return (
            set() if _is_system(name) or (not value.schemaname and name.name in hidden) else {name}
        )
    for slot in value:
        if slot not in ("withClause", "intoClause"):
            found |= reads_of(getattr(value, slot), hidden)
    return found


def expression_of(value: Any) -> Expression | None:
    if value is None:
        return None
    return Expression("", columns=_columns(value), reads=tuple(sorted(reads_of(value), key=str)))


# Constraints and columns

_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def strings_of(items: Any) -> tuple[str, ...]:
    return tuple(item.sval for item in items or ())


def constraint_of(node: Any, column: str | None = None) -> Constraint | None:
    keys = strings_of(node.keys) or ((column,) if column and not node.indexname else ())
    match node.contype.name:
        case "CONSTR_PRIMARY":
            return PrimaryKey(name=node.conname, columns=keys, using_index=node.indexname)
        case "CONSTR_UNIQUE":
            return Unique(name=node.conname, columns=keys, using_index=node.indexname)
        case "CONSTR_CHECK":
            expression = expression_of(node.raw_expr)
            assert expression is not None
            return Check(
                name=node.conname, expression=expression, not_valid=bool(node.skip_validation)
            )
        case "CONSTR_FOREIGN":
            return ForeignKey(
                name=node.conname,
                columns=strings_of(node.fk_attrs) or ((column,) if column else ()),
                table=relation_of(node.pktable),
                referenced_columns=strings_of(node.pk_attrs),
                not_valid=bool(node.skip_validation),
                on_delete=_ACTIONS.get(node.fk_del_action),
                on_update=_ACTIONS.get(node.fk_upd_action),
            )
        case "CONSTR_EXCLUSION":
            names = (element[0].name for element in node.exclusions)
            return Exclude(name=node.conname, columns=tuple(name for name in names if name))
        case "CONSTR_NOTNULL" if column is None:
            return NotNull(name=node.conname, column=keys[0], not_valid=bool(node.skip_validation))
        case _:
            return None


def _column(node: Any) -> Column:
    written = type_of(node.typeName) if node.typeName else None
    serial = _SERIAL.get(written.name) if written and not written.dimensions else None
    kinds = {item.contype.name: item for item in node.constraints or ()}
    generated = kinds.get("CONSTR_GENERATED")
    not_null = {"CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY"} & set(kinds)
    default = kinds.get("CONSTR_DEFAULT")
    return Column(
        name=node.colname,
        type=SqlType(serial) if serial else written,
        nullable=not not_null and not serial,
        default=expression_of(default.raw_expr) if default else None,
        serial=serial is not None,
        identity="CONSTR_IDENTITY" in kinds,
        generated=expression_of(generated.raw_expr) if generated else None,
        stored=generated.generated_kind == "s" if generated else True,
        collation=str(name_of(node.collClause.collname)) if node.collClause else None,
        constraints=_inline_constraints(node.constraints, node.colname),
    )


def _inline_constraints(nodes: Any, column: str) -> tuple[Constraint, ...]:
    made: list[Constraint] = []
    for node in nodes or ():
        constraint = constraint_of(node, column)
        if constraint is not None:
            made.append(constraint)
        elif node.contype.name == "CONSTR_ATTR_NOT_ENFORCED":
            if not isinstance(made[-1], Check | ForeignKey):
                raise Uncompared
            made[-1] = msgspec.structs.replace(made[-1], not_valid=True)
    return tuple(made)


# CREATE TABLE and ALTER TABLE


def create_table(node: Any) -> list[Operation]:
    elements = node.tableElts or ()
    constraints = [
        made
        for item in elements
        if isinstance(item, ast.Constraint) and (made := constraint_of(item)) is not None
    ]
    primary = {key for item in constraints if isinstance(item, PrimaryKey) for key in item.columns}
    columns = [_column(item) for item in elements if isinstance(item, ast.ColumnDef)]
    likes = tuple(
        relation_of(item.relation) for item in elements if isinstance(item, ast.TableLikeClause)
    )
    parents = tuple(relation_of(item) for item in node.inhRelations or ())
    return [
        CreateTable(
            table=relation_of(node.relation),
            columns=tuple(
                msgspec.structs.replace(item, nullable=False) if item.name in primary else item
                for item in columns
            ),
            constraints=tuple(constraints),
            if_not_exists=bool(node.if_not_exists),
            temporary=node.relation.relpersistence == "t",
            unlogged=node.relation.relpersistence == "u",
            partitioned=node.partspec is not None,
            partition_of=parents[0] if node.partbound else None,
            default_partition=bool(node.partbound and node.partbound.is_default),
            inherits=() if node.partbound else parents,
            like=likes,
            complete=not (parents or likes or node.ofTypename),
        )
    ]


_COLUMN_SETTINGS = {
    "AT_SetStatistics": ColumnSetting.STATISTICS,
    "AT_SetStorage": ColumnSetting.STORAGE,
    "AT_SetCompression": ColumnSetting.COMPRESSION,
    "AT_SetOptions": ColumnSetting.OPTIONS,
    "AT_ResetOptions": ColumnSetting.OPTIONS,
    "AT_AddIdentity": ColumnSetting.ADD_IDENTITY,
    "AT_SetIdentity": ColumnSetting.SET_IDENTITY,
    "AT_DropIdentity": ColumnSetting.DROP_IDENTITY,
    "AT_SetExpression": ColumnSetting.SET_EXPRESSION,
    "AT_DropExpression": ColumnSetting.DROP_EXPRESSION,
}
_TABLE_SETTINGS = {
    "AT_SetRelOptions": TableSetting.OPTIONS,
    "AT_ResetRelOptions": TableSetting.OPTIONS,
    "AT_SetLogged": TableSetting.LOGGED,
    "AT_SetUnLogged": TableSetting.UNLOGGED,
    "AT_SetTableSpace": TableSetting.TABLESPACE,
    "AT_SetAccessMethod": TableSetting.ACCESS_METHOD,
    "AT_ClusterOn": TableSetting.CLUSTER_ON,
    "AT_DropCluster": TableSetting.WITHOUT_CLUSTER,
    "AT_ReplicaIdentity": TableSetting.REPLICA_IDENTITY,
    "AT_AddInherit": TableSetting.INHERIT,
    "AT_DropInherit": TableSetting.NO_INHERIT,
    "AT_EnableRowSecurity": TableSetting.ROW_SECURITY,
    "AT_DisableRowSecurity": TableSetting.ROW_SECURITY,
    "AT_ForceRowSecurity": TableSetting.ROW_SECURITY,
    "AT_NoForceRowSecurity": TableSetting.ROW_SECURITY,
    "AT_EnableTrig": TableSetting.ENABLE_TRIGGER,
    "AT_EnableTrigAll": TableSetting.ENABLE_TRIGGER,
    "AT_EnableTrigUser": TableSetting.ENABLE_TRIGGER,
    "AT_EnableAlwaysTrig": TableSetting.ENABLE_TRIGGER,
    "AT_EnableReplicaTrig": TableSetting.ENABLE_TRIGGER,
    "AT_DisableTrig": TableSetting.DISABLE_TRIGGER,
    "AT_DisableTrigAll": TableSetting.DISABLE_TRIGGER,
    "AT_DisableTrigUser": TableSetting.DISABLE_TRIGGER,
    "AT_EnableRule": TableSetting.RULE,
    "AT_DisableRule": TableSetting.RULE,
    "AT_EnableAlwaysRule": TableSetting.RULE,
    "AT_EnableReplicaRule": TableSetting.RULE,
    "AT_ChangeOwner": TableSetting.OWNER,
    "AT_AddOf": TableSetting.OF_TYPE,
    "AT_DropOf": TableSetting.OF_TYPE,
}


def alter_table(node: Any) -> list[Operation]:
    relation = relation_of(node.relation)
    match node.objtype.name:
        case "OBJECT_TABLE":
            return [_subcommand(relation, command) for command in node.cmds]
        case "OBJECT_INDEX":
            return [AlterIndex(index=relation)]
        case "OBJECT_VIEW" | "OBJECT_MATVIEW":
            return [
                AlterView(
                    view=relation, action="", materialized=node.objtype.name[-7:] == "MATVIEW"
                )
            ]
        case "OBJECT_SEQUENCE":
            return [AlterSequence(sequence=relation)]
        case _:
            raise Uncompared


def _subcommand(table: Name, command: Any) -> Operation:
    kind = command.subtype.name
    cascade = command.behavior.name == "DROP_CASCADE"
    if_exists = bool(command.missing_ok)
    column = command.name
    if kind in _COLUMN_SETTINGS:
        return AlterColumnSetting(table=table, column=column or "", setting=_COLUMN_SETTINGS[kind])
    if kind in _TABLE_SETTINGS:
        other = relation_of(command.def_) if "Inherit" in kind else None
        return AlterTableSetting(table=table, setting=_TABLE_SETTINGS[kind], other=other)
    match kind:
        case "AT_AddColumn":
            return AddColumn(table=table, column=_column(command.def_), if_not_exists=if_exists)
        case "AT_DropColumn":
            return DropColumn(table=table, column=column, if_exists=if_exists, cascade=cascade)
        case "AT_AlterColumnType":
            collation = command.def_.collClause
            return ChangeColumnType(
                table=table,
                column=column,
                type=type_of(command.def_.typeName),
                using=expression_of(command.def_.raw_default),
                collation=str(name_of(collation.collname)) if collation else None,
            )
        case "AT_SetNotNull":
            return SetNotNull(table=table, column=column)
        case "AT_DropNotNull":
            return DropNotNull(table=table, column=column)
        case "AT_ColumnDefault":
            default = expression_of(command.def_)
            if default is None:
                return DropDefault(table=table, column=column)
            return SetDefault(table=table, column=column, default=default)
        case "AT_AddConstraint":
            constraint = constraint_of(command.def_)
            assert constraint is not None
            return AddConstraint(table=table, constraint=constraint)
        case "AT_ValidateConstraint":
            return ValidateConstraint(table=table, name=column)
        case "AT_DropConstraint":
            return DropConstraint(table=table, name=column, if_exists=if_exists, cascade=cascade)
        case "AT_AlterConstraint":
            return AlterConstraint(table=table, name=command.def_.conname)
        case "AT_AttachPartition":
            bound = None if command.def_.bound.is_default else ""
            return AttachPartition(
                table=table, partition=relation_of(command.def_.name), bound=bound
            )
        case "AT_DetachPartition" | "AT_DetachPartitionFinalize":
            return DetachPartition(
                table=table,
                partition=relation_of(command.def_.name),
                concurrently=bool(command.def_.concurrent),
                finalize=kind == "AT_DetachPartitionFinalize",
            )
        case _:
            raise Uncompared
