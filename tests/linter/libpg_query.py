"""A second opinion on SQL: libpg_query's parse tree turned into the same operations.

PostgreSQL's own grammar stands behind it (pglast, a development dependency), and it shares no code
with ``alembic_proof.linter.sql``. :func:`differences` compares the two readings of a statement.
Texts kept only for people (actions, sources, bodies of comments on lesser objects) are left out of
the comparison; expressions are compared by the columns that they name and the tables that they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pglast
from pglast import ast

from alembic_proof.locks import LockMode
from alembic_proof.objects import (
    Constraint,
    Expression,
    IndexKey,
    Name,
    NotNull,
    SqlType,
)
from alembic_proof.operations import (
    AddEnumValue,
    AlterSequence,
    AlterType,
    AlterView,
    Analyze,
    BeginTransaction,
    CallFunction,
    ChangePolicy,
    Cluster,
    Comment,
    CommitTransaction,
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreateSequence,
    CreateStatistics,
    CreateTable,
    CreateTrigger,
    CreateType,
    CreateView,
    DeleteRows,
    DropExtension,
    DropFunction,
    DropIndex,
    DropSchema,
    DropSequence,
    DropTable,
    DropTrigger,
    DropType,
    DropView,
    InsertRows,
    LockTable,
    MergeRows,
    NoOperation,
    Operation,
    RefreshMaterializedView,
    Reindex,
    RenameColumn,
    RenameConstraint,
    RenameEnumValue,
    RenameIndex,
    RenameSchema,
    RenameTable,
    RenameTrigger,
    RollbackTransaction,
    Savepoint,
    SelectRows,
    SetParameter,
    SetTableSchema,
    Truncate,
    Unresolved,
    UpdateRows,
    Vacuum,
)
from tests.linter.libpg_tables import (
    Uncompared,
    alter_table,
    constraint_of,
    create_table,
    expression_of,
    name_of,
    nodes_of,
    reads_of,
    relation_of,
    strings_of,
    type_of,
)

# CREATE


def _create_table_as(node: Any) -> list[Operation]:
    reads = tuple(reads_of(node.query))
    if isinstance(node.query, ast.ExecuteStmt):
        return [Unresolved(reason="")]
    relation = node.into.rel
    if node.objtype.name == "OBJECT_MATVIEW":
        return [
            CreateView(
                view=relation_of(relation),
                reads=reads,
                materialized=True,
                if_not_exists=bool(node.if_not_exists),
                with_data=not node.into.skipData,
            )
        ]
    return [
        CreateTable(
            table=relation_of(relation),
            if_not_exists=bool(node.if_not_exists),
            temporary=relation.relpersistence == "t",
            unlogged=relation.relpersistence == "u",
            reads=reads,
            complete=False,
        )
    ]


def _index_key(node: Any) -> IndexKey:
    return IndexKey(column=node.name, expression=expression_of(node.expr))


def _create_index(node: Any) -> list[Operation]:
    return [
        CreateIndex(
            table=relation_of(node.relation),
            name=node.idxname,
            keys=tuple(_index_key(item) for item in node.indexParams),
            unique=bool(node.unique),
            concurrently=bool(node.concurrent),
            if_not_exists=bool(node.if_not_exists),
            only=not node.relation.inh,
            method=node.accessMethod,
            where=expression_of(node.whereClause),
            include=tuple(item.name for item in node.indexIncludingParams or ()),
        )
    ]


def _create_view(node: Any) -> list[Operation]:
    return [
        CreateView(
            view=relation_of(node.view),
            reads=tuple(reads_of(node.query)),
            or_replace=bool(node.replace),
            temporary=node.view.relpersistence == "t",
        )
    ]


def _owned_by(options: Any) -> tuple[Name, str] | None:
    for option in options or ():
        if option.defname == "owned_by" and len(option.arg) > 1:
            return name_of(option.arg[:-1]), option.arg[-1].sval
    return None


def _create_sequence(node: Any) -> list[Operation]:
    return [
        CreateSequence(
            sequence=relation_of(node.sequence),
            if_not_exists=bool(node.if_not_exists),
            temporary=node.sequence.relpersistence == "t",
            owned_by=_owned_by(node.options),
        )
    ]


def _create_function(node: Any) -> list[Operation]:
    if node.sql_body is not None:
        raise Uncompared
    options = {option.defname: option.arg for option in node.options or ()}
    language = options.get("language")
    return [
        CreateFunction(
            function=name_of(node.funcname),
            or_replace=bool(node.replace),
            language=language.sval if language else "sql",
            body=options["as"][0].sval if "as" in options else "",
        )
    ]


def _create_trigger(node: Any) -> list[Operation]:
    return [
        CreateTrigger(
            table=relation_of(node.relation),
            name=node.trigname,
            constraint=bool(node.isconstraint),
            or_replace=bool(node.replace),
            referenced=relation_of(node.constrrel) if node.constrrel else None,
        )
    ]


def _create_domain(node: Any) -> list[Operation]:
    items = list(node.constraints or ())
    default = next((item for item in items if item.contype.name == "CONSTR_DEFAULT"), None)
    made = [constraint_of(item, "value") for item in items]
    constraints: list[Constraint] = []
    for item, constraint in zip(items, made, strict=True):
        if item.contype.name == "CONSTR_NOTNULL":
            constraints.append(NotNull(name=item.conname, column="value"))
        elif constraint is not None:
            constraints.append(constraint)
    return [
        CreateType(
            type=name_of(node.domainname),
            kind="domain",
            base=type_of(node.typeName),
            constraints=tuple(constraints),
            default=expression_of(default.raw_expr) if default else None,
        )
    ]


def _alter_enum(node: Any) -> list[Operation]:
    type_ = name_of(node.typeName)
    if node.oldVal is not None:
        return [RenameEnumValue(type=type_, value=node.oldVal, new_value=node.newVal)]
    after = node.newValNeighbor if node.newValIsAfter else None
    return [
        AddEnumValue(
            type=type_,
            value=node.newVal,
            before=None if node.newValIsAfter else node.newValNeighbor,
            after=after,
            if_not_exists=bool(node.skipIfNewValExists),
        )
    ]


def _create_statistics(node: Any) -> list[Operation]:
    if len(node.relations) != 1 or not isinstance(node.relations[0], ast.RangeVar):
        raise Uncompared
    name = str(name_of(node.defnames)) if node.defnames else None
    return [CreateStatistics(name=name, table=relation_of(node.relations[0]))]


def _rename(node: Any) -> list[Operation]:
    new_name = node.newname
    relation = relation_of(node.relation) if node.relation else Name("")
    match node.renameType.name:
        case "OBJECT_TABLE":
            return [RenameTable(table=relation, new_name=new_name, if_exists=bool(node.missing_ok))]
        case "OBJECT_COLUMN" if node.relationType.name == "OBJECT_TABLE":
            return [RenameColumn(table=relation, column=node.subname, new_name=new_name)]
        case "OBJECT_COLUMN" if node.relationType.name in ("OBJECT_VIEW", "OBJECT_MATVIEW"):
            is_materialized = node.relationType.name == "OBJECT_MATVIEW"
            return [AlterView(view=relation, action="", materialized=is_materialized)]
        case "OBJECT_TABCONSTRAINT":
            return [RenameConstraint(table=relation, name=node.subname, new_name=new_name)]
        case "OBJECT_INDEX":
            return [RenameIndex(index=relation, new_name=new_name)]
        case "OBJECT_VIEW" | "OBJECT_MATVIEW":
            is_materialized = node.renameType.name == "OBJECT_MATVIEW"
            return [
                AlterView(view=relation, action="", materialized=is_materialized, new_name=new_name)
            ]
        case "OBJECT_SEQUENCE":
            return [AlterSequence(sequence=relation, new_name=new_name)]
        case "OBJECT_TYPE" | "OBJECT_DOMAIN":
            return [AlterType(type=name_of(node.object), action="", new_name=new_name)]
        case "OBJECT_ATTRIBUTE":
            return [AlterType(type=relation, action="")]
        case "OBJECT_DOMCONSTRAINT":
            return [AlterType(type=name_of(node.object), action="")]
        case "OBJECT_TRIGGER":
            return [RenameTrigger(table=relation, name=node.subname, new_name=new_name)]
        case "OBJECT_SCHEMA":
            return [RenameSchema(schema=node.subname, new_name=new_name)]
        case "OBJECT_POLICY":
            return [ChangePolicy(verb="ALTER", table=relation, name=node.subname)]
        case _:
            raise Uncompared


def _set_schema(node: Any) -> list[Operation]:
    match node.objectType.name:
        case "OBJECT_TABLE":
            return [SetTableSchema(table=relation_of(node.relation), schema=node.newschema)]
        case "OBJECT_VIEW" | "OBJECT_MATVIEW":
            is_materialized = node.objectType.name == "OBJECT_MATVIEW"
            return [
                AlterView(view=relation_of(node.relation), action="", materialized=is_materialized)
            ]
        case "OBJECT_SEQUENCE":
            return [AlterSequence(sequence=relation_of(node.relation))]
        case "OBJECT_TYPE" | "OBJECT_DOMAIN":
            return [AlterType(type=name_of(node.object), action="")]
        case _:
            raise Uncompared


def _alter_domain(node: Any) -> list[Operation]:
    constraint = None
    if node.def_ is not None and isinstance(node.def_, ast.Constraint):
        constraint = constraint_of(node.def_, "value")
    return [AlterType(type=name_of(node.typeName), action="", constraint=constraint)]


# DROP


def _drop(node: Any) -> list[Operation]:
    if_exists, cascade = bool(node.missing_ok), node.behavior.name == "DROP_CASCADE"
    kind = node.removeType.name
    return [
        _dropped(kind, item, if_exists, cascade, bool(node.concurrent)) for item in node.objects
    ]


def _dropped(kind: str, item: Any, if_exists: bool, cascade: bool, concurrently: bool) -> Operation:
    if kind in ("OBJECT_TRIGGER", "OBJECT_POLICY"):
        table, name = name_of(item[:-1]), item[-1].sval
        if kind == "OBJECT_POLICY":
            return ChangePolicy(verb="DROP", table=table, name=name)
        return DropTrigger(table=table, name=name, if_exists=if_exists, cascade=cascade)
    match kind:
        case "OBJECT_TABLE":
            return DropTable(table=name_of(item), if_exists=if_exists, cascade=cascade)
        case "OBJECT_VIEW" | "OBJECT_MATVIEW":
            is_materialized = kind == "OBJECT_MATVIEW"
            return DropView(
                view=name_of(item),
                materialized=is_materialized,
                if_exists=if_exists,
                cascade=cascade,
            )
        case "OBJECT_INDEX":
            return DropIndex(
                index=name_of(item), concurrently=concurrently, if_exists=if_exists, cascade=cascade
            )
        case "OBJECT_SEQUENCE":
            return DropSequence(sequence=name_of(item), if_exists=if_exists, cascade=cascade)
        case "OBJECT_TYPE" | "OBJECT_DOMAIN":
            return DropType(type=name_of(item.names), if_exists=if_exists, cascade=cascade)
        case "OBJECT_SCHEMA":
            return DropSchema(schema=item.sval, if_exists=if_exists, cascade=cascade)
        case "OBJECT_EXTENSION":
            return DropExtension(extension=item.sval, if_exists=if_exists, cascade=cascade)
        case "OBJECT_FUNCTION" | "OBJECT_PROCEDURE" | "OBJECT_AGGREGATE" | "OBJECT_ROUTINE":
            return DropFunction(
                function=name_of(item.objname), if_exists=if_exists, cascade=cascade
            )
        case _:
            raise Uncompared


# Upkeep, session, rows


def _relations(items: Any) -> tuple[Name, ...]:
    return tuple(relation_of(item) for item in items or ())


def _lock(node: Any) -> list[Operation]:
    return [LockTable(tables=_relations(node.relations), mode=list(LockMode)[node.mode - 1])]


def _is_on(options: Any, wanted: str) -> bool:
    for option in options or ():
        if option.defname == wanted:
            return str(getattr(option.arg, "sval", getattr(option.arg, "ival", 1))) not in (
                "false",
                "off",
                "0",
            )
    return False


def _vacuum(node: Any) -> list[Operation]:
    tables = tuple(relation_of(item.relation) for item in node.rels or ())
    if not node.is_vacuumcmd:
        return [Analyze(tables=tables)]
    return [Vacuum(tables=tables, full=_is_on(node.options, "full"))]


def _reindex(node: Any) -> list[Operation]:
    kind = node.kind.name.removeprefix("REINDEX_OBJECT_")
    return [
        Reindex(
            kind=kind,
            name=relation_of(node.relation) if node.relation else None,
            concurrently=_is_on(node.params, "concurrently"),
        )
    ]


def _comment(node: Any) -> list[Operation]:
    kind = node.objtype.name.removeprefix("OBJECT_")
    match kind:
        case "TABLE":
            table = name_of(node.object)
            return [Comment(kind=kind, name=str(table), table=table, text=node.comment)]
        case "COLUMN":
            name = node.object[-1].sval
            table = name_of(node.object[:-1])
            return [Comment(kind=kind, name=name, table=table, column=name, text=node.comment)]
        case "TABCONSTRAINT" | "TRIGGER" | "POLICY" | "RULE":
            kind = kind.removeprefix("TAB")
            table = name_of(node.object[:-1])
            return [Comment(kind=kind, name=node.object[-1].sval, table=table, text=node.comment)]
        case _:
            raise Uncompared


def _transaction(node: Any) -> list[Operation]:
    match node.kind.name:
        case "TRANS_STMT_BEGIN" | "TRANS_STMT_START":
            return [BeginTransaction()]
        case "TRANS_STMT_COMMIT":
            return [CommitTransaction()]
        case "TRANS_STMT_ROLLBACK":
            return [RollbackTransaction()]
        case "TRANS_STMT_SAVEPOINT":
            return [Savepoint(verb="SAVEPOINT")]
        case "TRANS_STMT_RELEASE":
            return [Savepoint(verb="RELEASE")]
        case "TRANS_STMT_ROLLBACK_TO":
            return [Savepoint(verb="ROLLBACK TO")]
        case _:
            return [Unresolved(reason="")]


def _set(node: Any) -> list[Operation]:
    if node.kind.name not in ("VAR_SET_VALUE", "VAR_SET_DEFAULT", "VAR_RESET") or not node.name:
        raise Uncompared
    if not node.args:
        value = None
    elif len(node.args) == 1 and isinstance(getattr(node.args[0], "val", None), ast.String):
        value = node.args[0].val.sval
    else:
        value = "…"
    return [SetParameter(parameter=node.name, value=value, local=bool(node.is_local))]


def _changes(node: Any, hidden: frozenset[str] = frozenset()) -> Iterator[Operation]:
    """The row changes in a statement's WITH, then the statement's own."""
    clause = node.withClause
    around = _around_with(node, hidden)
    names = frozenset(table.ctename for table in clause.ctes) if clause else frozenset()
    inner = hidden | names if clause and clause.recursive else hidden
    for table in clause.ctes if clause else ():
        if not isinstance(table.ctequery, ast.SelectStmt):
            yield from _changes(table.ctequery, inner)
        inner = inner | {table.ctename}
    yield _change(node, hidden | names, around)


def _change(node: Any, hidden: frozenset[str], around: set[Name]) -> Operation:
    parts: tuple[Any, ...]
    match type(node).__name__:
        case "InsertStmt":
            parts = (node.selectStmt, node.onConflictClause, node.returningClause)
            return InsertRows(
                table=relation_of(node.relation),
                columns=tuple(item.name for item in node.cols or ()),
                reads=tuple(around | reads_of(parts, hidden)),
                on_conflict=node.onConflictClause is not None,
            )
        case "UpdateStmt":
            parts = (node.fromClause, node.targetList, node.whereClause, node.returningClause)
            return UpdateRows(
                table=relation_of(node.relation),
                columns=tuple(item.name for item in node.targetList),
                where=_expression_in(node.whereClause, hidden),
                reads=tuple(around | reads_of(parts, hidden)),
            )
        case "DeleteStmt":
            parts = (node.usingClause, node.whereClause, node.returningClause)
            return DeleteRows(
                table=relation_of(node.relation),
                where=_expression_in(node.whereClause, hidden),
                reads=tuple(around | reads_of(parts, hidden)),
            )
        case "MergeStmt":
            parts = (node.sourceRelation, node.joinCondition, node.mergeWhenClauses)
            parts = (*parts, node.returningClause)
            return MergeRows(
                table=relation_of(node.relation), reads=tuple(around | reads_of(parts, hidden))
            )
        case _:
            return _query(node, hidden, around)


def _around_with(node: Any, hidden: frozenset[str]) -> set[Name]:
    """The tables that the queries in a statement's own WITH read."""
    if node.withClause is None:
        return set()
    return reads_of(ast.SelectStmt(withClause=node.withClause), hidden)


def _expression_in(value: Any, hidden: frozenset[str]) -> Expression | None:
    expression = expression_of(value)
    if expression is None:
        return None
    return msgspec.structs.replace(expression, reads=tuple(reads_of(value, hidden)))


def _query(node: Any, hidden: frozenset[str], around: set[Name]) -> Operation:
    parts = tuple(getattr(node, slot) for slot in node if slot not in ("withClause", "intoClause"))
    reads = tuple(around | reads_of(parts, hidden))
    if node.intoClause is not None:
        relation = node.intoClause.rel
        return CreateTable(
            table=relation_of(relation),
            temporary=relation.relpersistence == "t",
            unlogged=relation.relpersistence == "u",
            reads=reads,
            complete=False,
        )
    if not reads:
        return NoOperation()
    return SelectRows(
        reads=reads,
        locks_rows=any(isinstance(item, ast.LockingClause) for item in nodes_of(node)),
        limited=node.limitCount is not None,
    )


def _copy(node: Any) -> list[Operation]:
    if node.query is not None:
        return list(_changes(node.query))
    if node.is_from:
        return [InsertRows(table=relation_of(node.relation), columns=strings_of(node.attlist))]
    return [SelectRows(reads=(relation_of(node.relation),))]


def _extension(node: Any) -> list[Operation]:
    return [CreateExtension(extension=node.extname, if_not_exists=bool(node.if_not_exists))]


def _define(node: Any) -> list[Operation]:
    if node.kind.name != "OBJECT_TYPE":
        raise Uncompared
    return [CreateType(type=name_of(node.defnames), kind="base")]


def _refresh(node: Any) -> list[Operation]:
    return [
        RefreshMaterializedView(
            view=relation_of(node.relation),
            concurrently=bool(node.concurrent),
            with_data=not node.skipData,
        )
    ]


def _truncate(node: Any) -> list[Operation]:
    return [
        Truncate(
            tables=_relations(node.relations),
            cascade=node.behavior.name == "DROP_CASCADE",
            restart_identity=bool(node.restart_seqs),
        )
    ]


_READERS: dict[type[Any], Callable[[Any], list[Operation]]] = {
    ast.AlterDomainStmt: _alter_domain,
    ast.AlterEnumStmt: _alter_enum,
    ast.AlterObjectSchemaStmt: _set_schema,
    ast.AlterPolicyStmt: lambda node: [
        ChangePolicy(verb="ALTER", table=relation_of(node.table), name=node.policy_name)
    ],
    ast.AlterSeqStmt: lambda node: [
        AlterSequence(sequence=relation_of(node.sequence), owned_by=_owned_by(node.options))
    ],
    ast.AlterTableStmt: alter_table,
    ast.AlterTypeStmt: lambda node: [AlterType(type=name_of(node.typeName), action="")],
    ast.CallStmt: lambda node: [CallFunction(function=name_of(node.funccall.funcname))],
    ast.ClusterStmt: lambda node: [
        Cluster(table=relation_of(node.relation) if node.relation else None, index=node.indexname)
    ],
    ast.CommentStmt: _comment,
    ast.CompositeTypeStmt: lambda node: [
        CreateType(type=relation_of(node.typevar), kind="composite")
    ],
    ast.CopyStmt: _copy,
    ast.CreateDomainStmt: _create_domain,
    ast.CreateEnumStmt: lambda node: [
        CreateType(type=name_of(node.typeName), kind="enum", values=strings_of(node.vals))
    ],
    ast.CreateExtensionStmt: _extension,
    ast.CreateFunctionStmt: _create_function,
    ast.CreatePolicyStmt: lambda node: [
        ChangePolicy(verb="CREATE", table=relation_of(node.table), name=node.policy_name)
    ],
    ast.CreateRangeStmt: lambda node: [CreateType(type=name_of(node.typeName), kind="range")],
    ast.CreateSeqStmt: _create_sequence,
    ast.CreateStatsStmt: _create_statistics,
    ast.CreateStmt: create_table,
    ast.CreateTableAsStmt: _create_table_as,
    ast.CreateTrigStmt: _create_trigger,
    ast.DefineStmt: _define,
    ast.DeleteStmt: lambda node: list(_changes(node)),
    ast.DropStmt: _drop,
    ast.IndexStmt: _create_index,
    ast.InsertStmt: lambda node: list(_changes(node)),
    ast.LockStmt: _lock,
    ast.MergeStmt: lambda node: list(_changes(node)),
    ast.RefreshMatViewStmt: _refresh,
    ast.ReindexStmt: _reindex,
    ast.RenameStmt: _rename,
    ast.SelectStmt: lambda node: list(_changes(node)),
    ast.TransactionStmt: _transaction,
    ast.TruncateStmt: _truncate,
    ast.UpdateStmt: lambda node: list(_changes(node)),
    ast.VacuumStmt: _vacuum,
    ast.VariableSetStmt: _set,
    ast.ViewStmt: _create_view,
}


def operations_of(sql: str) -> list[list[Operation] | None]:
    """libpg_query's reading: the operations of each statement, None for one that is not compared.

    Raises:
        pglast.parser.ParseError: PostgreSQL would not accept the text.
    """
    return [_operations(raw.stmt) for raw in pglast.parse_sql(sql)]


def _operations(statement: Any) -> list[Operation] | None:
    reader = _READERS.get(type(statement))
    if reader is None:
        return None
    try:
        return reader(statement)
    except Uncompared:
        return None


# Comparison

_NOT_COMPARED = {"action", "value", "text", "sql", "source", "reason", "limited", "by_key", "bound"}
_COMPARED_ANYWAY = {"AddEnumValue", "RenameEnumValue"}


def shape(value: Any) -> Any:
    """What two readings of a statement must have in common, as plain values."""
    if isinstance(value, Expression):
        return ("expression", frozenset(value.columns), frozenset(value.reads))
    if isinstance(value, SqlType):
        name = value.name.partition("(")[0]
        if name.startswith("interval"):
            return ("type", "interval", (), value.dimensions)
        return ("type", name, value.modifiers, value.dimensions)
    if isinstance(value, msgspec.Struct):
        skipped = set() if type(value).__name__ in _COMPARED_ANYWAY else _NOT_COMPARED
        fields = {
            name: _field(name, getattr(value, name))
            for name in value.__struct_fields__
            if name not in skipped
        }
        return (type(value).__name__, fields)
    if isinstance(value, tuple | list):
        return [shape(item) for item in value]
    return value


def _field(name: str, value: Any) -> Any:
    if name in ("on_delete", "on_update") and value == "NO ACTION":
        return None
    return frozenset(value) if name == "reads" else shape(value)


def has_opaque(value: Any) -> bool:
    """Whether a reading holds an expression that it says it could not parse."""
    if isinstance(value, Expression):
        return value.opaque
    if isinstance(value, msgspec.Struct):
        return any(has_opaque(getattr(value, name)) for name in value.__struct_fields__)
    return isinstance(value, tuple | list) and any(map(has_opaque, value))


def differences(ours: Iterable[Operation], theirs: Iterable[Operation]) -> list[str]:
    """How two readings differ, one line each; calls of functions are ours alone."""
    mine = [shape(item) for item in ours if not isinstance(item, CallFunction)] or [
        shape(NoOperation())
    ]
    other = [shape(item) for item in theirs if not isinstance(item, CallFunction)] or [
        shape(NoOperation())
    ]
    if len(mine) != len(other):
        return [f"{len(mine)} operations, not {len(other)}: {mine} / {other}"]
    return [f"{one}\n  is not {two}" for one, two in zip(mine, other, strict=True) if one != two]
