"""Owns the prediction of what an operation does; all knowledge of PostgreSQL's locking is in here.

Every statement in this package is compared with what servers are observed to do, form by form, in
``tests/postgres``. Locks on indexes, sequences and catalogues are left out: the vocabulary speaks
of tables and views.
"""

from __future__ import annotations

from typing import assert_never

from alembic_proof import operations as ops
from alembic_proof.effects import Effects
from alembic_proof.operations import Operation
from alembic_proof.postgres.effects import (
    columns,
    constraints,
    indexes,
    others,
    rows,
    tables,
    types,
    views,
)
from alembic_proof.postgres.effects.collector import Collector
from alembic_proof.schema_model import SchemaModel

__all__ = ["predict"]


def predict(operation: Operation, schema: SchemaModel, version: int) -> Effects:
    """What PostgreSQL does when it runs the operation.

    ``schema`` is the schema just before it; ``version`` the server's major, 12 to 18. Where the
    schema model does not know enough, the worst that is plausible is predicted and
    ``Effects.unknown`` says what is not known.
    """
    effects = Collector(schema, version)
    match operation:
        case (
            ops.CreateTable()
            | ops.DropTable()
            | ops.RenameTable()
            | ops.SetTableSchema()
            | ops.AlterTableSetting()
            | ops.Truncate()
            | ops.LockTable()
            | ops.AttachPartition()
            | ops.DetachPartition()
            | ops.Cluster()
            | ops.Vacuum()
            | ops.Analyze()
        ):
            tables.predict(effects, operation)
        case (
            ops.AddColumn()
            | ops.DropColumn()
            | ops.RenameColumn()
            | ops.ChangeColumnType()
            | ops.SetNotNull()
            | ops.DropNotNull()
            | ops.SetDefault()
            | ops.DropDefault()
            | ops.AlterColumnSetting()
        ):
            columns.predict(effects, operation)
        case (
            ops.AddConstraint()
            | ops.ValidateConstraint()
            | ops.DropConstraint()
            | ops.RenameConstraint()
            | ops.AlterConstraint()
        ):
            constraints.predict(effects, operation)
        case (
            ops.CreateIndex()
            | ops.DropIndex()
            | ops.RenameIndex()
            | ops.AlterIndex()
            | ops.Reindex()
        ):
            indexes.predict(effects, operation)
        case (
            ops.CreateType()
            | ops.DropType()
            | ops.AddEnumValue()
            | ops.RenameEnumValue()
            | ops.AlterType()
        ):
            types.predict(effects, operation)
        case ops.CreateView() | ops.DropView() | ops.AlterView() | ops.RefreshMaterializedView():
            views.predict(effects, operation)
        case (
            ops.InsertRows()
            | ops.UpdateRows()
            | ops.DeleteRows()
            | ops.MergeRows()
            | ops.SelectRows()
        ):
            rows.predict(effects, operation)
        case (
            ops.CreateSequence()
            | ops.AlterSequence()
            | ops.DropSequence()
            | ops.CreateFunction()
            | ops.DropFunction()
            | ops.CallFunction()
            | ops.CreateTrigger()
            | ops.DropTrigger()
            | ops.RenameTrigger()
            | ops.ChangePolicy()
            | ops.CreateStatistics()
            | ops.CreateExtension()
            | ops.DropExtension()
            | ops.CreateSchema()
            | ops.DropSchema()
            | ops.RenameSchema()
            | ops.Comment()
            | ops.ChangePrivileges()
            | ops.ChangeObject()
        ):
            others.predict(effects, operation)
        case (
            ops.SetParameter()
            | ops.BeginTransaction()
            | ops.CommitTransaction()
            | ops.RollbackTransaction()
            | ops.Savepoint()
            | ops.EnterAutocommit()
            | ops.LeaveAutocommit()
            | ops.NoOperation()
        ):
            pass
        case ops.Unresolved(reason=reason):
            effects.doubt(f"the operation could not be understood because {reason}")
        case _:
            assert_never(operation)
    return effects.result()
