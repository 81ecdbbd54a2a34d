"""Owns what a migration does, as values: one class per thing PostgreSQL is asked to do.

Alembic's ``op.*`` calls and raw SQL arrive here as the same operations, so that nothing after the
reader needs to know how a migration was written. An operation that was seen but not understood is
:class:`Unresolved`; it is never dropped. Where Alembic sends two statements for one call, there are
two operations.

Conventions: ``if_exists`` / ``if_not_exists`` / ``cascade`` are the SQL words. Operations on an
object that lives on a table but is named without it (``DROP INDEX i``) carry ``table`` only when the
migration gives it; the schema model knows the rest.
"""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from alembic_proof.locks import LockMode
from alembic_proof.objects import (
    Column,
    Constraint,
    Expression,
    IndexKey,
    Name,
    SqlType,
)


class _Operation(
    msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="operation", omit_defaults=True
):
    """What all operations share: they are immutable, comparable and can be cached."""


# Tables


class CreateTable(_Operation, frozen=True):
    """CREATE TABLE. ``complete`` is false when columns come from elsewhere (LIKE, AS, INHERITS).

    ``like`` are the tables whose columns LIKE copies; ``reads`` those that the query after AS reads.
    """

    table: Name
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    if_not_exists: bool = False
    temporary: bool = False
    unlogged: bool = False
    partitioned: bool = False
    partition_of: Name | None = None
    default_partition: bool = False
    inherits: tuple[Name, ...] = ()
    like: tuple[Name, ...] = ()
    reads: tuple[Name, ...] = ()
    complete: bool = True


class DropTable(_Operation, frozen=True):
    """DROP TABLE of one table; a statement that drops several is several operations."""

    table: Name
    if_exists: bool = False
    cascade: bool = False


class RenameTable(_Operation, frozen=True):
    """ALTER TABLE … RENAME TO."""

    table: Name
    new_name: str
    if_exists: bool = False


class SetTableSchema(_Operation, frozen=True):
    """ALTER TABLE … SET SCHEMA."""

    table: Name
    schema: str


class TableSetting(enum.StrEnum):
    """The kinds of ALTER TABLE that change a property of the table as a whole.

    The value is the SQL that follows the table's name.
    """

    OPTIONS = "SET (…)"
    LOGGED = "SET LOGGED"
    UNLOGGED = "SET UNLOGGED"
    TABLESPACE = "SET TABLESPACE"
    ACCESS_METHOD = "SET ACCESS METHOD"
    CLUSTER_ON = "CLUSTER ON"
    WITHOUT_CLUSTER = "SET WITHOUT CLUSTER"
    REPLICA_IDENTITY = "REPLICA IDENTITY"
    INHERIT = "INHERIT"
    NO_INHERIT = "NO INHERIT"
    ROW_SECURITY = "ROW LEVEL SECURITY"
    ENABLE_TRIGGER = "ENABLE TRIGGER"
    DISABLE_TRIGGER = "DISABLE TRIGGER"
    RULE = "ENABLE/DISABLE RULE"
    OWNER = "OWNER TO"
    OF_TYPE = "OF"


class AlterTableSetting(_Operation, frozen=True):
    """ALTER TABLE that changes one property of the table; ``value`` is its SQL text, if any.

    For INHERIT and NO INHERIT ``other`` is the parent.
    """

    table: Name
    setting: TableSetting
    value: str = ""
    other: Name | None = None


class Truncate(_Operation, frozen=True):
    """TRUNCATE of one or several tables in one statement."""

    tables: tuple[Name, ...]
    cascade: bool = False
    restart_identity: bool = False


class LockTable(_Operation, frozen=True):
    """LOCK TABLE."""

    tables: tuple[Name, ...]
    mode: LockMode = LockMode.ACCESS_EXCLUSIVE


class AttachPartition(_Operation, frozen=True):
    """ALTER TABLE … ATTACH PARTITION; ``bound`` is None for DEFAULT."""

    table: Name
    partition: Name
    bound: str | None


class DetachPartition(_Operation, frozen=True):
    """ALTER TABLE … DETACH PARTITION [CONCURRENTLY | FINALIZE]."""

    table: Name
    partition: Name
    concurrently: bool = False
    finalize: bool = False


class Cluster(_Operation, frozen=True):
    """CLUSTER; without a table, every table that was clustered before."""

    table: Name | None = None
    index: str | None = None


class Vacuum(_Operation, frozen=True):
    """VACUUM; without tables, the whole database."""

    tables: tuple[Name, ...] = ()
    full: bool = False


class Analyze(_Operation, frozen=True):
    """ANALYZE; without tables, the whole database."""

    tables: tuple[Name, ...] = ()


# Columns


class AddColumn(_Operation, frozen=True):
    """ALTER TABLE … ADD COLUMN, with the inline constraints in ``column.constraints``."""

    table: Name
    column: Column
    if_not_exists: bool = False


class DropColumn(_Operation, frozen=True):
    """ALTER TABLE … DROP COLUMN."""

    table: Name
    column: str
    if_exists: bool = False
    cascade: bool = False


class RenameColumn(_Operation, frozen=True):
    """ALTER TABLE … RENAME COLUMN."""

    table: Name
    column: str
    new_name: str


class ChangeColumnType(_Operation, frozen=True):
    """ALTER COLUMN … TYPE. ``type`` is None when it could not be read.

    ``existing_type`` is what the migration says the type was (Alembic's ``existing_type``): a claim
    to use only where the schema model does not know.
    """

    table: Name
    column: str
    type: SqlType | None
    using: Expression | None = None
    collation: str | None = None
    existing_type: SqlType | None = None


class SetNotNull(_Operation, frozen=True):
    """ALTER COLUMN … SET NOT NULL."""

    table: Name
    column: str


class DropNotNull(_Operation, frozen=True):
    """ALTER COLUMN … DROP NOT NULL."""

    table: Name
    column: str


class SetDefault(_Operation, frozen=True):
    """ALTER COLUMN … SET DEFAULT."""

    table: Name
    column: str
    default: Expression


class DropDefault(_Operation, frozen=True):
    """ALTER COLUMN … DROP DEFAULT."""

    table: Name
    column: str


class ColumnSetting(enum.StrEnum):
    """The kinds of ALTER COLUMN that change neither type, nullability nor default."""

    STATISTICS = "SET STATISTICS"
    STORAGE = "SET STORAGE"
    COMPRESSION = "SET COMPRESSION"
    OPTIONS = "SET (…)"
    ADD_IDENTITY = "ADD GENERATED AS IDENTITY"
    SET_IDENTITY = "SET GENERATED"
    DROP_IDENTITY = "DROP IDENTITY"
    SET_EXPRESSION = "SET EXPRESSION"
    DROP_EXPRESSION = "DROP EXPRESSION"


class AlterColumnSetting(_Operation, frozen=True):
    """ALTER COLUMN that changes one of its lesser properties."""

    table: Name
    column: str
    setting: ColumnSetting
    value: str = ""


# Constraints


class AddConstraint(_Operation, frozen=True):
    """ALTER TABLE … ADD CONSTRAINT (or ADD FOREIGN KEY, …)."""

    table: Name
    constraint: Constraint


class ValidateConstraint(_Operation, frozen=True):
    """ALTER TABLE … VALIDATE CONSTRAINT."""

    table: Name
    name: str


class DropConstraint(_Operation, frozen=True):
    """ALTER TABLE … DROP CONSTRAINT.

    ``name`` is None for ``op.drop_constraint(None, …)``, which Alembic cannot compile. ``kind`` is
    what the migration says it is (Alembic's ``type_``): foreignkey, primary, unique, check.
    """

    table: Name
    name: str | None
    kind: str | None = None
    if_exists: bool = False
    cascade: bool = False


class RenameConstraint(_Operation, frozen=True):
    """ALTER TABLE … RENAME CONSTRAINT."""

    table: Name
    name: str
    new_name: str


class AlterConstraint(_Operation, frozen=True):
    """ALTER TABLE … ALTER CONSTRAINT (deferrability, enforcement, inheritance)."""

    table: Name
    name: str
    value: str = ""


# Indexes


class CreateIndex(_Operation, frozen=True):
    """CREATE INDEX. ``name`` is None when PostgreSQL chooses it."""

    table: Name
    name: str | None
    keys: tuple[IndexKey, ...] = ()
    unique: bool = False
    concurrently: bool = False
    if_not_exists: bool = False
    only: bool = False
    method: str = "btree"
    where: Expression | None = None
    include: tuple[str, ...] = ()


class DropIndex(_Operation, frozen=True):
    """DROP INDEX of one index; ``table`` is known when Alembic's call gives it."""

    index: Name
    table: Name | None = None
    concurrently: bool = False
    if_exists: bool = False
    cascade: bool = False


class RenameIndex(_Operation, frozen=True):
    """ALTER INDEX … RENAME TO."""

    index: Name
    new_name: str


class AlterIndex(_Operation, frozen=True):
    """ALTER INDEX in any other way; ``value`` is the SQL after the name."""

    index: Name
    value: str = ""


class Reindex(_Operation, frozen=True):
    """REINDEX; ``name`` is None for SCHEMA, DATABASE and SYSTEM."""

    kind: Literal["INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"]
    name: Name | None = None
    concurrently: bool = False


# Types


class CreateType(_Operation, frozen=True):
    """CREATE TYPE or CREATE DOMAIN.

    ``values`` are an enum's labels; ``base`` and ``constraints`` belong to domains.
    """

    type: Name
    kind: Literal["enum", "domain", "composite", "range", "base"]
    values: tuple[str, ...] = ()
    base: SqlType | None = None
    constraints: tuple[Constraint, ...] = ()
    default: Expression | None = None
    if_not_exists: bool = False


class DropType(_Operation, frozen=True):
    """DROP TYPE or DROP DOMAIN of one type."""

    type: Name
    if_exists: bool = False
    cascade: bool = False


class AddEnumValue(_Operation, frozen=True):
    """ALTER TYPE … ADD VALUE."""

    type: Name
    value: str
    before: str | None = None
    after: str | None = None
    if_not_exists: bool = False


class RenameEnumValue(_Operation, frozen=True):
    """ALTER TYPE … RENAME VALUE."""

    type: Name
    value: str
    new_value: str


class AlterType(_Operation, frozen=True):
    """ALTER TYPE or ALTER DOMAIN in any other way.

    ``action`` is the SQL after the name; ``new_name`` is set for RENAME TO; ``constraint`` for
    ALTER DOMAIN … ADD.
    """

    type: Name
    action: str
    new_name: str | None = None
    constraint: Constraint | None = None


# Views


class CreateView(_Operation, frozen=True):
    """CREATE [OR REPLACE] [MATERIALIZED] VIEW; ``reads`` are the relations of its query."""

    view: Name
    reads: tuple[Name, ...] = ()
    materialized: bool = False
    or_replace: bool = False
    if_not_exists: bool = False
    with_data: bool = True
    temporary: bool = False


class DropView(_Operation, frozen=True):
    """DROP [MATERIALIZED] VIEW of one view."""

    view: Name
    materialized: bool = False
    if_exists: bool = False
    cascade: bool = False


class AlterView(_Operation, frozen=True):
    """ALTER [MATERIALIZED] VIEW; ``new_name`` is set for RENAME TO."""

    view: Name
    action: str
    materialized: bool = False
    new_name: str | None = None


class RefreshMaterializedView(_Operation, frozen=True):
    """REFRESH MATERIALIZED VIEW."""

    view: Name
    concurrently: bool = False
    with_data: bool = True


# Sequences, functions, triggers, policies and the other objects


class CreateSequence(_Operation, frozen=True):
    """CREATE SEQUENCE; ``owned_by`` is (table, column)."""

    sequence: Name
    if_not_exists: bool = False
    temporary: bool = False
    owned_by: tuple[Name, str] | None = None


class AlterSequence(_Operation, frozen=True):
    """ALTER SEQUENCE; ``action`` is the SQL after the name."""

    sequence: Name
    action: str = ""
    new_name: str | None = None
    owned_by: tuple[Name, str] | None = None


class DropSequence(_Operation, frozen=True):
    """DROP SEQUENCE of one sequence."""

    sequence: Name
    if_exists: bool = False
    cascade: bool = False


class CreateFunction(_Operation, frozen=True):
    """CREATE [OR REPLACE] FUNCTION or PROCEDURE. Its body is not run by the migration."""

    function: Name
    language: str = ""
    or_replace: bool = False
    body: str = ""


class DropFunction(_Operation, frozen=True):
    """DROP FUNCTION, PROCEDURE or AGGREGATE."""

    function: Name
    if_exists: bool = False
    cascade: bool = False


class CallFunction(_Operation, frozen=True):
    """CALL or SELECT of a function that is neither built in nor known: its body may do anything."""

    function: Name
    sql: str = ""


class CreateTrigger(_Operation, frozen=True):
    """CREATE TRIGGER."""

    table: Name
    name: str
    constraint: bool = False
    or_replace: bool = False
    referenced: Name | None = None


class DropTrigger(_Operation, frozen=True):
    """DROP TRIGGER."""

    table: Name
    name: str
    if_exists: bool = False
    cascade: bool = False


class RenameTrigger(_Operation, frozen=True):
    """ALTER TRIGGER … RENAME TO."""

    table: Name
    name: str
    new_name: str


class ChangePolicy(_Operation, frozen=True):
    """CREATE, ALTER or DROP POLICY."""

    verb: Literal["CREATE", "ALTER", "DROP"]
    table: Name
    name: str


class CreateStatistics(_Operation, frozen=True):
    """CREATE STATISTICS."""

    name: str | None
    table: Name


class CreateExtension(_Operation, frozen=True):
    """CREATE EXTENSION."""

    extension: str
    if_not_exists: bool = False


class DropExtension(_Operation, frozen=True):
    """DROP EXTENSION."""

    extension: str
    if_exists: bool = False
    cascade: bool = False


class CreateSchema(_Operation, frozen=True):
    """CREATE SCHEMA."""

    schema: str
    if_not_exists: bool = False


class DropSchema(_Operation, frozen=True):
    """DROP SCHEMA."""

    schema: str
    if_exists: bool = False
    cascade: bool = False


class RenameSchema(_Operation, frozen=True):
    """ALTER SCHEMA … RENAME TO."""

    schema: str
    new_name: str


class Comment(_Operation, frozen=True):
    """COMMENT ON. ``table`` is set for tables, columns, constraints, triggers and policies."""

    kind: str
    name: str
    table: Name | None = None
    column: str | None = None
    text: str | None = None


class ChangePrivileges(_Operation, frozen=True):
    """GRANT or REVOKE, ALTER DEFAULT PRIVILEGES, REASSIGN OWNED; ``tables`` when it names some."""

    verb: str
    tables: tuple[Name, ...] = ()
    sql: str = ""


class ChangeObject(_Operation, frozen=True):
    """A statement about an object that holds no rows and no table depends on by storage.

    Roles, collations, casts, operators, aggregates, text search objects, publications,
    subscriptions, event triggers, servers, rules … ``verb`` is CREATE, ALTER or DROP and ``kind``
    the object's kind in capitals. ``tables`` when the statement names some.
    """

    verb: str
    kind: str
    name: str = ""
    tables: tuple[Name, ...] = ()
    sql: str = ""


# Rows


class InsertRows(_Operation, frozen=True):
    """INSERT or COPY … FROM; ``reads`` are the tables of its query (empty for VALUES)."""

    table: Name
    columns: tuple[str, ...] = ()
    reads: tuple[Name, ...] = ()
    on_conflict: bool = False


class UpdateRows(_Operation, frozen=True):
    """UPDATE. ``where`` is None when every row is changed.

    ``by_key`` are the columns of this table that every row must match for equality with constants
    or binds (``WHERE id = :id`` and more conditions); ``limited`` is true when the statement bounds
    its number of rows (LIMIT in a subquery, BETWEEN on a column), as a batched backfill does.
    """

    table: Name
    columns: tuple[str, ...] = ()
    where: Expression | None = None
    by_key: tuple[str, ...] = ()
    limited: bool = False
    reads: tuple[Name, ...] = ()


class DeleteRows(_Operation, frozen=True):
    """DELETE; the fields are those of :class:`UpdateRows`."""

    table: Name
    where: Expression | None = None
    by_key: tuple[str, ...] = ()
    limited: bool = False
    reads: tuple[Name, ...] = ()


class MergeRows(_Operation, frozen=True):
    """MERGE INTO."""

    table: Name
    reads: tuple[Name, ...] = ()


class SelectRows(_Operation, frozen=True):
    """A query run by the migration itself; ``locks_rows`` for FOR UPDATE / SHARE."""

    reads: tuple[Name, ...] = ()
    locks_rows: bool = False
    limited: bool = False


# The session and the transaction


class SetParameter(_Operation, frozen=True):
    """SET, RESET or ``set_config``; ``value`` is None for DEFAULT and RESET."""

    parameter: str
    value: str | None
    local: bool = False


class BeginTransaction(_Operation, frozen=True):
    """BEGIN, or the start of a transaction through SQLAlchemy."""


class CommitTransaction(_Operation, frozen=True):
    """COMMIT as SQL (``raw``), or ``connection.commit()``."""

    raw: bool = True


class RollbackTransaction(_Operation, frozen=True):
    """ROLLBACK as SQL (``raw``), or ``connection.rollback()``."""

    raw: bool = True


class Savepoint(_Operation, frozen=True):
    """SAVEPOINT, RELEASE or ROLLBACK TO SAVEPOINT; ``begin_nested()``."""

    verb: Literal["SAVEPOINT", "RELEASE", "ROLLBACK TO"]


class EnterAutocommit(_Operation, frozen=True):
    """``with op.get_context().autocommit_block()``: commits, then every statement by itself."""


class LeaveAutocommit(_Operation, frozen=True):
    """The end of an autocommit block: a new transaction begins."""


class NoOperation(_Operation, frozen=True):
    """A statement that touches no table and no catalogue (SHOW, SELECT 1, NOTIFY, DISCARD …)."""

    sql: str = ""


class Unresolved(_Operation, frozen=True):
    """Something the migration does that was seen but not understood.

    ``reason`` completes "could not be understood because …"; ``source`` is the code or SQL as
    written; ``tables`` are tables that it is known to name all the same.
    """

    reason: str
    source: str = ""
    tables: tuple[Name, ...] = ()


Operation = (
    CreateTable
    | DropTable
    | RenameTable
    | SetTableSchema
    | AlterTableSetting
    | Truncate
    | LockTable
    | AttachPartition
    | DetachPartition
    | Cluster
    | Vacuum
    | Analyze
    | AddColumn
    | DropColumn
    | RenameColumn
    | ChangeColumnType
    | SetNotNull
    | DropNotNull
    | SetDefault
    | DropDefault
    | AlterColumnSetting
    | AddConstraint
    | ValidateConstraint
    | DropConstraint
    | RenameConstraint
    | AlterConstraint
    | CreateIndex
    | DropIndex
    | RenameIndex
    | AlterIndex
    | Reindex
    | CreateType
    | DropType
    | AddEnumValue
    | RenameEnumValue
    | AlterType
    | CreateView
    | DropView
    | AlterView
    | RefreshMaterializedView
    | CreateSequence
    | AlterSequence
    | DropSequence
    | CreateFunction
    | DropFunction
    | CallFunction
    | CreateTrigger
    | DropTrigger
    | RenameTrigger
    | ChangePolicy
    | CreateStatistics
    | CreateExtension
    | DropExtension
    | CreateSchema
    | DropSchema
    | RenameSchema
    | Comment
    | ChangePrivileges
    | ChangeObject
    | InsertRows
    | UpdateRows
    | DeleteRows
    | MergeRows
    | SelectRows
    | SetParameter
    | BeginTransaction
    | CommitTransaction
    | RollbackTransaction
    | Savepoint
    | EnterAutocommit
    | LeaveAutocommit
    | NoOperation
    | Unresolved
)


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One operation at its place in a revision.

    ``line`` and ``column`` (both from 1) are where the revision file makes it happen: the call
    itself, or the call of the helper that holds it. ``statement`` numbers the SQL statements of the
    revision from 0: operations that PostgreSQL gets in one statement share it. ``condition`` is the
    source of an ``if`` that could not be decided from the text. ``repeated`` is true inside a loop
    whose number of rounds is not known.
    """

    operation: Operation
    line: int
    column: int = 1
    statement: int = 0
    condition: str | None = None
    repeated: bool = False


class Procedure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``upgrade()`` or ``downgrade()`` as read.

    ``line`` is that of its ``def``. ``empty`` is true when the body does nothing at all (``pass``);
    ``raises`` when it always raises, with the text of the exception in ``raised``.
    """

    line: int
    steps: tuple[Step, ...] = ()
    empty: bool = False
    raises: bool = False
    raised: str = ""

    @property
    def understood(self) -> int:
        """How many of the steps are not :class:`Unresolved`."""
        return sum(not isinstance(step.operation, Unresolved) for step in self.steps)
