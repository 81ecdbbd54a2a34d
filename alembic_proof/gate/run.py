"""Runs the gate on one project: a server, a sandbox in it, and every pending revision's round trip.

The start is an empty database, or a dump at its own revision. Revisions between the start and the
pending ones are applied in one go.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from alembic_proof.errors import HistoryError, SandboxError, UsageError
from alembic_proof.findings import GateReport, RevisionRun
from alembic_proof.gate.agent_process import RevisionFile
from alembic_proof.gate.checks.round_trip import RoundTrip, round_trip
from alembic_proof.gate.dump import restore_dump
from alembic_proof.gate.failures import Step, StepFailedError, shown_path
from alembic_proof.gate.progress import Progress
from alembic_proof.gate.roles import drop_roles
from alembic_proof.gate.sandbox import Sandbox
from alembic_proof.gate.servers.base import Server
from alembic_proof.gate.servers.choose import start_server
from alembic_proof.history import History, Revision
from alembic_proof.project import Project

TIME_LIMIT = 600.0


class GateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asks of a gate run.

    ``server_url`` names a server, otherwise one of ``postgres_major`` is found. ``python`` is the
    project's interpreter, None for this one. ``since`` are revisions that are applied before; all
    others are pending, and everything that the start does not hold when it is None. ``start_dump``
    is restored first. ``time_limit`` is how many seconds each revision may take in one direction.
    """

    server_url: str | None = None
    postgres_major: int | None = None
    python: str | None = None
    since: tuple[str, ...] | None = None
    start_dump: Path | None = None
    time_limit: float = TIME_LIMIT


def run_gate(project: Project, *, options: GateOptions, progress: Progress) -> GateReport:
    """Find a server and run the gate on it; nothing is left behind.

    Raises ``ServerError`` when no server can be had, ``SandboxError`` when the project's
    environment cannot be run, ``HistoryError`` and ``UsageError`` when there is nothing to check.
    """
    with start_server(
        url=options.server_url, major=options.postgres_major, tell=progress.note
    ) as server:
        for note in server.notes:
            progress.note(note)
        progress.note(f"running on {server.description}")
        return gate_on(server, project, options=options, progress=progress)


def gate_on(
    server: Server, project: Project, *, options: GateOptions, progress: Progress
) -> GateReport:
    """Run the gate on a server that is there; it keeps no trace of it.

    Raises what ``run_gate`` raises.
    """
    started = time.perf_counter()
    with ExitStack() as cleanup:
        roles: list[str] = []
        cleanup.callback(lambda: drop_roles(server, roles))
        sandbox = cleanup.enter_context(
            Sandbox(server, project, python=options.python, time_limit=options.time_limit)
        )
        start = _restore_start(sandbox, options.start_dump, roles)
        revisions = sandbox.agent.history()
        plan = _plan(sandbox, revisions, start, options.since)
        progress.start(len(plan.before) + len(plan.pending))
        _apply(sandbox, plan.before, progress)
        trips = _round_trips(sandbox, plan.pending, project.root, progress)
        return GateReport(
            project=str(project.root),
            server=server.description,
            postgres=server.major,
            versions=sandbox.agent.versions,
            findings=tuple(finding for trip in trips for finding in trip.findings),
            revisions=_runs(trips, plan.pending, project.root),
            applied_before=len(plan.before),
            seconds=time.perf_counter() - started,
            notes=tuple(_reordering(trip) for trip in trips if trip.reordered),
        )


class _Plan(msgspec.Struct, frozen=True):
    """The revisions to apply in one go, and those to take up, down and up; both in order."""

    before: tuple[RevisionFile, ...]
    pending: tuple[RevisionFile, ...]


def _restore_start(sandbox: Sandbox, dump: Path | None, roles: list[str]) -> tuple[str, ...]:
    """Make the start; return the heads that are applied in it."""
    if dump is None:
        return ()
    roles += restore_dump(sandbox.server, sandbox.database, dump)
    heads = sandbox.current().heads
    if not heads:
        raise UsageError(
            f"{dump} has no revision: its Alembic version table is missing or empty",
            hint="dump the version table too (alembic_version), rows included",
        )
    sandbox.keep()
    return heads


def _plan(
    sandbox: Sandbox,
    revisions: Sequence[RevisionFile],
    start: tuple[str, ...],
    since: tuple[str, ...] | None,
) -> _Plan:
    by_id = {revision.id: revision for revision in revisions}
    unknown = [head for head in start if head not in by_id]
    if unknown:
        raise HistoryError(
            f"the dump is at revision {unknown[0]}, which is not in this history",
            hint="use a dump made by a release that this history continues",
        )
    history = _history(revisions)
    applied = _heads(history, [history.find(name).id for name in since or ()] + list(start))
    pending = sandbox.agent.plan(applied)
    behind = set(pending)
    before = [id_ for id_ in sandbox.agent.plan(start) if id_ not in behind]
    if not pending:
        raise UsageError(
            "nothing to check: "
            + ("no revision is pending" if revisions else "the history has no revisions"),
            hint="name an earlier --since, or none to run the whole history"
            if revisions
            else "check version_locations in the Alembic configuration",
        )
    return _Plan(tuple(by_id[id_] for id_ in before), tuple(by_id[id_] for id_ in pending))


def _history(revisions: Sequence[RevisionFile]) -> History:
    return History(
        Revision(
            id=revision.id,
            path=revision.path,
            parents=revision.parents,
            depends_on=revision.depends_on,
            branch_labels=revision.branch_labels,
        )
        for revision in revisions
    )


def _heads(history: History, applied: Sequence[str]) -> tuple[str, ...]:
    """The revisions among these that none of the others continues."""
    covered = {ancestor for id_ in applied for ancestor in history.ancestors(id_)}
    return tuple(dict.fromkeys(id_ for id_ in applied if id_ not in covered))


def _apply(sandbox: Sandbox, revisions: Sequence[RevisionFile], progress: Progress) -> None:
    """Apply the revisions before the pending ones: in one go, or else one after the other.

    Some histories only work in the portions in which they were once deployed: a new enum value, for
    one, cannot be used in the transaction that adds it.
    """
    steps = [Step(revision.id, "upgrade") for revision in revisions]
    if not steps:
        # env.py may make schemas of its own, which are no work of the first revision.
        sandbox.current()
        return
    started = time.perf_counter()
    try:
        sandbox.run(*steps, done=lambda step, took: progress.step(step.revision, took))
    except StepFailedError as error:
        progress.note(f"{_failed(error)}; applying one revision at a time")
        sandbox.restore()
        _apply_singly(sandbox, steps)
    sandbox.accept(steps, time.perf_counter() - started)


def _apply_singly(sandbox: Sandbox, steps: Sequence[Step]) -> None:
    for step in steps:
        try:
            sandbox.run(step)
        except StepFailedError as error:
            details = error.failure.details
            raise SandboxError(
                f"{_failed(error)}, and it comes before the pending ones"
                + (f"\n{details}" if details else ""),
                hint="start from a dump that holds it with --start",
            ) from None


def _failed(error: StepFailedError) -> str:
    step = error.failure.step
    return f"revision {step.revision if step else ''} cannot be applied: {error.failure.summary}"


def _round_trips(
    sandbox: Sandbox, pending: Sequence[RevisionFile], root: Path, progress: Progress
) -> list[RoundTrip]:
    """Cycle the pending revisions in order, up to one that cannot be applied."""
    trips: list[RoundTrip] = []
    schema = sandbox.snapshot()
    for revision in pending:
        started = time.perf_counter()
        trip = round_trip(sandbox, revision, root, schema)
        trips.append(trip)
        progress.step(revision.id, time.perf_counter() - started)
        if trip.after is None:
            break
        schema = trip.after
    return trips


def _runs(
    trips: Sequence[RoundTrip], pending: Sequence[RevisionFile], root: Path
) -> tuple[RevisionRun, ...]:
    done = [
        RevisionRun(
            revision=trip.revision,
            path=trip.path,
            outcome="findings" if trip.findings else "clean",
            seconds=trip.seconds,
        )
        for trip in trips
    ]
    not_run = [
        RevisionRun(revision=revision.id, path=shown_path(revision.path, root), outcome="not run")
        for revision in pending[len(trips) :]
    ]
    return (*done, *not_run)


def _reordering(trip: RoundTrip) -> str:
    tables = ", ".join(trip.reordered)
    return f"{trip.path}: the columns of {tables} stand in another order after the downgrade"
