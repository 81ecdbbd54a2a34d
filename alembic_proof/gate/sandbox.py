"""Owns the sandbox: one database on a disposable server, and the states that it has been through.

The checks run steps in it, take snapshots of it, and put it back into the state after the revisions
that were accepted, whatever a failing step left behind.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from alembic_proof.errors import SandboxError
from alembic_proof.gate.agent_process import AgentProcess, Applied, StepDone
from alembic_proof.gate.failures import (
    Step,
    StepFailedError,
    StepFailure,
    missing_extension_error,
)
from alembic_proof.gate.roles import drop_roles, role_names
from alembic_proof.gate.servers.base import Server
from alembic_proof.gate.snapshot import ObjectId, Snapshot, SnapshotReader
from alembic_proof.project import Project

COPY_SHARE = 10
"""A copy is made when the revisions since the last took this many times longer than it does.

Then copies cost a tenth of the time at most, and going back never takes much longer than a copy.
"""

FIRST_COPY_SECONDS = 0.1
"""How long a copy is taken to need before one was made."""

_VERSION_TABLES = """
SELECT n.nspname, c.relname, CASE WHEN n.nspname = 'public' THEN quote_ident(c.relname)
    ELSE format('%%I.%%I', n.nspname, c.relname) END
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relname = %s
"""

_END_OTHER_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_RUNNING_STATEMENT = """
SELECT query, wait_event_type FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND state = 'active'
ORDER BY query_start LIMIT 1
"""


class Sandbox:
    """A database that belongs to one gate run of one project; a context manager.

    ``time_limit`` is how many seconds each step may take.
    """

    def __init__(
        self, server: Server, project: Project, *, python: str | None, time_limit: float
    ) -> None:
        """Make the empty database; nothing of the project runs yet."""
        self._server = server
        self._project = project
        self._python = python
        self._time_limit = time_limit
        self._agent: AgentProcess | None = None
        self._connection: psycopg.Connection[TupleRow] | None = None
        self._reader: SnapshotReader | None = None
        self._version_table = "alembic_version"
        self._running_statement: TupleRow | None = None
        self._copy: str | None = None
        self._copy_seconds = FIRST_COPY_SECONDS
        self._since_copy: list[Step] = []
        self._seconds_since_copy = 0.0
        self._made_roles: frozenset[str] = frozenset()
        self._roles_in_copy: frozenset[str] = frozenset()
        self.database = server.create_database()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        for database in (self.database, self._copy):
            if database is not None:
                self._server.drop_database(database)
        drop_roles(self._server, self._made_roles)

    @property
    def server(self) -> Server:
        """The server that the database is on."""
        return self._server

    @property
    def agent(self) -> AgentProcess:
        """The agent for this database; a new one when the last had to be ended."""
        if self._agent is None or not self._agent.alive:
            if self._agent is not None:
                self._agent.close()
            self._agent = AgentProcess(
                self._project,
                self._server.parameters(self.database),
                python=self._python,
                time_limit=self._time_limit,
                on_hang=self._note_running_statement,
            )
        return self._agent

    @property
    def connection(self) -> psycopg.Connection[TupleRow]:
        """Our own session in the database, in autocommit mode."""
        if self._connection is None or self._connection.closed:
            self._connection = self._server.connect(self.database)
            self._reader = None
        return self._connection

    def current(self) -> Applied:
        """What the version table says is applied."""
        try:
            applied = self.agent.current()
        finally:
            self._end_other_sessions()
        self._version_table = applied.version_table
        return applied

    def run(self, *steps: Step, done: StepDone | None = None) -> float:
        """Run these steps in one go; return the seconds it took.

        Raises ``StepFailedError`` when a revision fails, ``ServerError`` when that is for want of an
        extension, and ``SandboxError`` when env.py fails before or does not commit.
        """
        agent = self.agent
        roles_before = role_names(self.connection)
        started = time.perf_counter()
        try:
            self._version_table = agent.run(steps, done)
        except StepFailedError as error:
            failure = self._with_statement(error.failure)
            missing = missing_extension_error(failure, self._server.description, self._server.major)
            raise missing or StepFailedError(failure) from None
        finally:
            self._end_other_sessions()
            if self._server.is_ours:
                self._made_roles |= role_names(self.connection) - roles_before
        seconds = time.perf_counter() - started
        self._check_committed(steps[-1])
        return seconds

    def snapshot(self) -> Snapshot:
        """Read everything in the catalogue but Alembic's own table."""
        connection = self.connection
        if self._reader is None:
            self._reader = SnapshotReader(connection)
        ignored = [ObjectId.of(("table", name)) for _, _, name in self._version_tables()]
        return self._reader.read(ignored=ignored)

    def is_applied(self, revision: str) -> bool:
        """Whether the version table names this revision, which is so for heads only."""
        applied: set[str] = set()
        for schema, name, _ in self._version_tables():
            query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(schema, name))
            applied.update(row[0] for row in self.connection.execute(query))
        return revision in applied

    def accept(self, steps: Sequence[Step], seconds: float) -> None:
        """Make the present state, reached by these steps, the one that ``restore`` comes back to."""
        self._since_copy += steps
        self._seconds_since_copy += seconds
        if self._seconds_since_copy > COPY_SHARE * self._copy_seconds:
            self.keep()

    def restore(self) -> None:
        """Go back to the state that was accepted last: the last copy and the steps since then."""
        self._leave()
        self._server.drop_database(self.database)
        drop_roles(self._server, self._made_roles - self._roles_in_copy)
        self._made_roles = self._roles_in_copy
        self.database = self._server.create_database(template=self._copy)
        # One at a time, as they were run: a new enum value cannot be used before it is committed.
        for step in self._since_copy:
            try:
                self.run(step)
            except StepFailedError as error:
                raise SandboxError(
                    f"revision {step.revision} cannot be applied again in a fresh database: "
                    f"{error.failure.summary}",
                    hint="let it not depend on what is outside the database: roles, files, time",
                ) from None

    def keep(self) -> None:
        """Copy the present state, so that ``restore`` need not come here again by steps."""
        self._end_other_sessions()
        self._disconnect()
        if self._copy is not None:
            self._server.drop_database(self._copy)
        started = time.perf_counter()
        self._copy = self._server.create_database(template=self.database)
        self._copy_seconds = time.perf_counter() - started
        self._since_copy = []
        self._seconds_since_copy = 0.0
        self._roles_in_copy = self._made_roles

    def _leave(self) -> None:
        if self._agent is not None:
            self._agent.close()
        self._agent = None
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._reader = None

    def _end_other_sessions(self) -> None:
        """End what the project left open, as the end of its process would have."""
        try:
            self.connection.execute(_END_OTHER_SESSIONS)
        except psycopg.OperationalError:
            # Migrations may end the sessions of others to get a lock, and ours is one.
            self._disconnect()
            self.connection.execute(_END_OTHER_SESSIONS)

    def _note_running_statement(self) -> None:
        self._running_statement = self.connection.execute(_RUNNING_STATEMENT).fetchone()

    def _with_statement(self, failure: StepFailure) -> StepFailure:
        """Add what the server was doing when a step took too long."""
        if failure.type != "timeout" or self._running_statement is None:
            return failure
        statement, waits_for = self._running_statement
        waiting = ", waiting for a lock that another session of the migration holds"
        return msgspec.structs.replace(
            failure,
            message=failure.message + (waiting if waits_for == "Lock" else ""),
            statement=statement,
        )

    def _version_tables(self) -> list[TupleRow]:
        return self.connection.execute(_VERSION_TABLES, (self._version_table,)).fetchall()

    def _check_committed(self, step: Step) -> None:
        if self.is_applied(step.revision) is (step.direction == "upgrade"):
            return
        raise SandboxError(
            f"env.py ran the {step.direction} of {step.revision} without committing it",
            hint="run context.run_migrations() inside `with context.begin_transaction()`, and "
            "commit where env.py begins a transaction of its own",
        )
