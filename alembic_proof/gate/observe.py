"""Owns what a statement was seen to do: the Effects that a server shows, measured without a clock.

Three kinds of evidence, all from the session that runs the statement: ``pg_locks`` says which
tables it locked and how; the differences of the transaction's own counters
(``pg_stat_get_xact_…``) say what it read and wrote; new file nodes say which tables were rewritten
and which indexes were built. Asking and judging are apart: :func:`take_evidence` asks the server,
:func:`effects_between` compares two answers and needs no connection.

As in prediction, locks on indexes, sequences, TOAST tables and catalogues are left out. Parallel
workers count for themselves: run with ``max_parallel_workers_per_gather = 0``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from alembic_proof.effects import TableEffect, Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name

Connection = psycopg.Connection[Any]

RELATIONS_QUERY: Final[LiteralString] = """
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text, coalesce(i.indrelid, 0)::bigint,
       CASE WHEN c.relkind IN ('r', 'm', 'i') THEN pg_relation_filenode(c.oid) END::bigint,
       c.reltuples::float8,
       pg_stat_get_xact_numscans(c.oid),
       pg_stat_get_xact_tuples_returned(c.oid),
       pg_stat_get_xact_tuples_fetched(c.oid) + pg_stat_get_xact_tuples_inserted(c.oid)
         + pg_stat_get_xact_tuples_updated(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid),
       pg_stat_get_vacuum_count(c.oid)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%%'
"""
"""One row for each relation; the columns are the fields of :class:`Relation`."""

LOCKS_QUERY: Final[LiteralString] = """
SELECT relation::bigint, mode, granted FROM pg_locks
 WHERE locktype = 'relation' AND pid = %(pid)s AND mode <> 'SIReadLock'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""One row for each lock that a session holds or waits for."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or index and its counters at one moment.

    ``heap`` is the table of an index, 0 for others; ``filenode`` None for what has no storage;
    ``rows`` the planner's estimate, below 1 when it has none. ``scans`` and ``rows_read`` count
    sequential scans (of an index: searches), ``rows_touched`` rows found by key or written,
    ``vacuums`` finished VACUUMs; all are only good for differences.
    """

    oid: int
    name: Name
    kind: str
    heap: int
    filenode: int | None
    rows: float
    scans: int
    rows_read: int
    rows_touched: int
    vacuums: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """The relations of a database, by oid, and the strongest lock one session has on each."""

    relations: Mapping[int, Relation]
    locks: Mapping[int, LockMode]

    def filenodes_of_indexes(self, heap: int) -> frozenset[int]:
        """The storage of every index of a table."""
        return frozenset(
            relation.filenode
            for relation in self.relations.values()
            if relation.heap == heap and relation.filenode is not None
        )

    def lock_on_indexes(self, heap: int) -> LockMode | None:
        """The strongest lock on any index of a table: every query on the table needs its indexes."""
        locks = [
            self.locks[relation.oid]
            for relation in self.relations.values()
            if relation.heap == heap and relation.oid in self.locks
        ]
        return LockMode.strongest(locks) if locks else None


@dataclass(frozen=True, slots=True)
class ObservedError:
    """The error that ended the statements."""

    sqlstate: str
    message: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What statements were seen to do to the relations that existed before them.

    ``error`` is None when all succeeded. ``effects`` is empty when the error undid the transaction,
    because its locks and counters went with it.
    """

    effects: tuple[TableEffect, ...] = ()
    error: ObservedError | None = None

    def on(self, table: Name) -> TableEffect | None:
        """The effect on one relation, or None if it was left alone."""
        return next((effect for effect in self.effects if effect.table == table), None)


def take_evidence(connection: Connection, pid: int | None = None) -> Evidence:
    """Ask the server about every relation, and about the locks of one session.

    ``pid`` is the backend to ask about, by default that of ``connection`` itself. The counters are
    always those of ``connection``. Takes no lock on any table.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        locks = _locks(cursor, connection.info.backend_pid if pid is None else pid)
        relations = {
            oid: Relation(oid, Name.of(relation, schema), *rest)
            for oid, schema, relation, *rest in cursor.execute(RELATIONS_QUERY)
        }
    return Evidence(relations, locks)


def effects_between(before: Evidence, after: Evidence) -> tuple[TableEffect, ...]:
    """What was done between two moments of one transaction, to relations that existed at the first.

    A relation appears when it was newly or more strongly locked, or when work was done on it.
    """
    effects: list[TableEffect] = []
    for oid, relation in before.relations.items():
        if relation.heap:
            continue
        work, why = _work(before, after, relation)
        held, lock = before.locks.get(oid), after.locks.get(oid)
        if lock is None and work is Work.INDEX_BUILD:
            lock = after.lock_on_indexes(oid)
        if lock is not None and (work is not Work.CATALOG or held is not lock):
            effects.append(TableEffect(relation.name, lock, work, why))
    return tuple(effects)


def observe(
    connection: Connection,
    statements: Sequence[str],
    *,
    watcher: Connection | None = None,
    keep: bool = False,
) -> Observation:
    """Run statements and say what they did.

    Without a ``watcher`` they run in one transaction, which is undone at the end unless ``keep`` is
    true. With one, a second connection to the same database and in autocommit mode, they run
    outside transactions on ``connection``, which must be in autocommit mode as well, and are
    observed from there while they wait; what they did stays.
    """
    if watcher is not None:
        return _observe_outside(connection, statements, watcher)
    try:
        with connection.transaction(force_rollback=not keep):
            before = take_evidence(connection)
            for statement in statements:
                connection.execute(statement.encode())
            return Observation(effects_between(before, take_evidence(connection)))
    except psycopg.Error as error:
        return Observation(error=_observed_error(error))


def _observed_error(error: psycopg.Error) -> ObservedError:
    message = error.diag.message_primary or str(error)
    return ObservedError(error.sqlstate or "", message)


def _locks(cursor: psycopg.Cursor[tuple[Any, ...]], pid: int) -> dict[int, LockMode]:
    locks: dict[int, LockMode] = {}
    for oid, mode, _ in cursor.execute(LOCKS_QUERY, {"pid": pid}):
        lock = LockMode.from_pg_locks(mode)
        if oid not in locks or lock.rank > locks[oid].rank:
            locks[oid] = lock
    return locks


def _work(before: Evidence, after: Evidence, relation: Relation) -> tuple[Work, str]:
    now = after.relations.get(relation.oid)
    if now is None:
        return Work.CATALOG, "it is gone"
    if now.filenode != relation.filenode:
        return Work.REWRITE, "it has new storage"
    built = after.filenodes_of_indexes(now.oid) - before.filenodes_of_indexes(now.oid)
    if built:
        return Work.INDEX_BUILD, f"{len(built)} of its indexes have new storage"
    scans, read = now.scans - relation.scans, now.rows_read - relation.rows_read
    if now.vacuums > relation.vacuums:
        return Work.SCAN, "it was vacuumed"
    if scans and _is_whole(read, relation):
        return Work.SCAN, f"sequential scans: {scans}, rows read: {read}"
    touched = now.rows_touched - relation.rows_touched + _found_by_index(before, after, now.oid)
    if scans or touched:
        return Work.ROWS, f"rows read or written: {read + touched}"
    return Work.CATALOG, ""


def _found_by_index(before: Evidence, after: Evidence, heap: int) -> int:
    """How often the indexes of a table were searched or gave a row; they count for themselves."""
    searched = 0
    for oid, index in after.relations.items():
        earlier = before.relations.get(oid)
        if index.heap == heap and earlier is not None:
            searched += index.scans - earlier.scans + index.rows_touched - earlier.rows_touched
    return searched


def _is_whole(read: int, relation: Relation) -> bool:
    """Whether a sequential scan went through the table, and did not stop at a LIMIT.

    The number of rows is an estimate, so half of it is enough; without one, a scan is a scan.
    """
    return relation.rows < 1 or read >= relation.rows / 2


@dataclass(slots=True)
class _Run:
    """Statements being run by another thread, and how they ended."""

    connection: Connection
    statements: Sequence[str]
    error: ObservedError | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            for statement in self.statements:
                self.connection.execute(statement.encode())
        except psycopg.Error as error:
            self.error = _observed_error(error)


_POLL_SECONDS: Final = 0.001
_PATIENCE: Final = 10


def _observe_outside(
    connection: Connection, statements: Sequence[str], watcher: Connection
) -> Observation:
    """Hold the statements up wherever they ask for a lock and read it there."""
    before = take_evidence(connection)
    run = None
    with watcher.cursor(row_factory=tuple_row) as cursor:
        barrier = _Barrier(cursor, before)
        try:
            barrier.raise_()
            run = _Run(connection, statements)
            barrier.watch(run)
        finally:
            barrier.lower()
    run.thread.join()
    after = take_evidence(connection)
    return Observation(effects_between(before, Evidence(after.relations, barrier.seen)), run.error)


class _Barrier:
    """Locks of the watcher that stop another session at every table it wants to lock.

    ACCESS SHARE on every table stops ACCESS EXCLUSIVE; SHARE UPDATE EXCLUSIVE, taken after it,
    stops that mode and stronger ones; the old MVCC snapshot of the watcher's transaction stops the
    concurrent forms before they finish. Each is taken away only where the run was stopped by it.
    The rest is taken again in the same message; a statement that commits after each of several
    tables may slip through in between, and then its locks on the later ones are not seen.

    ``seen`` is the strongest lock that was held or asked for, for each relation.
    """

    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]], evidence: Evidence) -> None:
        self.seen: dict[int, LockMode] = {}
        self._cursor = cursor
        self._names = {
            oid: sql.Identifier(relation.name.schema or "public", relation.name.name)
            for oid, relation in evidence.relations.items()
            if relation.kind in ("r", "p")
        }
        self._weak = set(self._names)
        self._strong = set(self._names)
        self._renewed = 0

    def raise_(self) -> None:
        """Begin the watcher's transaction and take its locks."""
        self._cursor.execute(self._begin())
        self._cursor.execute("SELECT 1")

    def lower(self) -> None:
        """End the watcher's transaction."""
        self._cursor.execute("ROLLBACK")

    def watch(self, run: _Run) -> None:
        """Let the run go on from lock to lock until it ends."""
        pid = run.connection.info.backend_pid
        while run.thread.is_alive():
            held, wanted, stopped = self._look(pid)
            if not stopped:
                run.thread.join(_POLL_SECONDS)
                continue
            try:
                self._give_way(held, wanted)
            except psycopg.errors.LockNotAvailable:
                # The run was faster and has a lock on a table that is still in the barrier.
                self._recover(pid)

    def _give_way(self, held: set[int], wanted: set[int]) -> None:
        """Take away what stops the run, without leaving a gap anywhere else.

        A run that waits for the whole transaction only needs that one to end; one that does so
        again and again waits for the locks of every new one.
        """
        self._strong -= held
        if wanted & self._strong:
            self._strong -= wanted
            self._cursor.execute(sql.SQL("ROLLBACK TO SAVEPOINT strong;") + self._strong_locks())
        elif wanted:
            self._weak -= wanted
            self._cursor.execute(
                sql.SQL("ROLLBACK TO SAVEPOINT weak;") + self._weak_locks() + self._strong_locks()
            )
        else:
            self._renewed += 1
            if self._renewed > _PATIENCE:
                self._weak -= held
            self._cursor.execute(sql.SQL("ROLLBACK;") + self._begin())

    def _recover(self, pid: int) -> None:
        """Raise the barrier again around the tables that the run holds."""
        for _ in range(_PATIENCE):
            self._cursor.execute("ROLLBACK")
            held, _, _ = self._look(pid)
            self._weak -= held
            self._strong -= held
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                self.raise_()
                return
        self._cursor.execute("ROLLBACK")

    def _look(self, pid: int) -> tuple[set[int], set[int], bool]:
        """The relations that the run holds and waits for, and whether the barrier stops it."""
        self._cursor.execute("SELECT pg_backend_pid() = ANY (pg_blocking_pids(%s))", (pid,))
        (stopped,) = self._cursor.fetchone() or (False,)
        held: set[int] = set()
        wanted: set[int] = set()
        for oid, mode, granted in self._cursor.execute(LOCKS_QUERY, {"pid": pid}):
            lock = LockMode.from_pg_locks(mode)
            (held if granted else wanted).add(oid)
            if oid not in self.seen or lock.rank > self.seen[oid].rank:
                self.seen[oid] = lock
        return held, wanted, stopped

    def _begin(self) -> sql.Composed:
        begin = sql.SQL("BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT weak;")
        return begin + self._weak_locks() + self._strong_locks()

    def _weak_locks(self) -> sql.Composed:
        return self._lock(self._weak, LockMode.ACCESS_SHARE) + sql.SQL("SAVEPOINT strong;")

    def _strong_locks(self) -> sql.Composed:
        return self._lock(self._strong, LockMode.SHARE_UPDATE_EXCLUSIVE)

    def _lock(self, relations: set[int], mode: LockMode) -> sql.Composed:
        if not relations:
            return sql.Composed([])
        return sql.SQL("LOCK TABLE ONLY {} IN {} MODE NOWAIT;").format(
            sql.SQL(", ONLY ").join(self._names[oid] for oid in sorted(relations)),
            sql.SQL(mode.value),
        )
