"""Owns the way from the command line to a gate run: the project, what is pending, the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alembic_proof.cli.judging import as_written, find_projects, load_settings
from alembic_proof.cli.output import note
from alembic_proof.cli.progress import progress_for_standard_error
from alembic_proof.config import Config, override
from alembic_proof.errors import ServerError, UsageError
from alembic_proof.findings import Finding, GateReport, Severity
from alembic_proof.project import Project

if TYPE_CHECKING:
    from alembic_proof.gate.servers.base import Server

_GATE_PACKAGES = frozenset({"alembic", "psycopg", "sqlalchemy", "testcontainers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """What the command line asks of the gate; None means "as configured".

    ``postgres`` is the only major version that may be started; a configured one is preferred.
    """

    path: Path
    config_file: Path | None = None
    diff_base: str | None = None
    since: str | None = None
    server: str | None = None
    postgres: int | None = None
    start: Path | None = None
    python: str | None = None
    time_limit: float | None = None
    fail_on: Severity | None = None


@dataclass(frozen=True, slots=True)
class Gated:
    """One project with its settings and what the gate saw; no report when nothing is pending."""

    project: Project
    config: Config
    report: GateReport | None


def gate(request: GateRequest) -> Gated:
    """Run the gate on the project that is asked for.

    Raises:
        AlembicProofError: the job could not be done; the subclass says which part of it.

    """
    _require_gate_packages()
    project = _only_project(request)
    config = _configured(project, request)
    applied = _applied(project, config, request)
    if applied is not None and not applied.pending:
        note(f"nothing to run: 0 pending revisions of {len(applied.ids):,} {applied.description}")
        return Gated(project, config, None)
    report = _run(project, config, request, None if applied is None else applied.ids)
    report = msgspec.structs.replace(
        report,
        project=as_written(project.root),
        findings=tuple(_as_configured(report.findings, config)),
    )
    return Gated(project, config, report)


def _require_gate_packages() -> None:
    try:
        import alembic_proof.gate.run  # noqa: F401
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _GATE_PACKAGES:
            raise
        raise UsageError(
            f"the gate needs the package {missing}, which is not installed",
            hint="pip install 'alembic-proof[gate]', or 'alembic-proof[embedded]' for a "
            "PostgreSQL that comes with it",
        ) from error


def _only_project(request: GateRequest) -> Project:
    projects = find_projects([request.path], request.config_file)
    if len(projects) > 1:
        listed = ", ".join(as_written(project.config_file or project.root) for project in projects)
        raise UsageError(
            f"{request.path} holds {len(projects)} Alembic projects, and the gate runs one",
            hint=f"name one of {listed}",
        )
    for text in projects[0].notes:
        note(text)
    return projects[0]


def _configured(project: Project, request: GateRequest) -> Config:
    config = load_settings(project.root, request.config_file)
    given: dict[str, object] = {
        "server": request.server,
        "python": request.python,
        "time-limit": request.time_limit,
        "fail-on": request.fail_on,
    }
    for key, value in given.items():
        config = override(config, {key: value}, origin=f"--{key}")
    return config


@dataclass(frozen=True, slots=True)
class _Applied:
    """The revisions that are not pending, how many are, and how that was chosen, in words."""

    ids: tuple[str, ...]
    pending: int
    description: str


def _applied(project: Project, config: Config, request: GateRequest) -> _Applied | None:
    """What is not pending; None when the command line and the configuration do not say."""
    from alembic_proof.linter.pending import Selection, select_pending
    from alembic_proof.linter.run import read_history

    selection = Selection(diff_base=request.diff_base, since=request.since).or_configured(config)
    if selection.diff_base is None and selection.since is None:
        return None
    history = read_history(project)
    chosen = select_pending(history, project, selection)
    pending = {revision.id for release in chosen.releases for revision in release}
    ids = tuple(revision.id for revision in history if revision.id not in pending)
    return _Applied(ids, len(pending), chosen.description)


def _run(
    project: Project, config: Config, request: GateRequest, applied: tuple[str, ...] | None
) -> GateReport:
    from alembic_proof.gate.run import GateOptions, gate_on

    options = GateOptions(
        python=config.python,
        since=applied,
        start_dump=request.start,
        time_limit=config.time_limit,
    )
    with progress_for_standard_error() as progress, ExitStack() as stack:
        server = _start_server(stack, config, request, progress.note)
        for text in (*server.notes, f"running on {server.description}"):
            progress.note(text)
        return gate_on(server, project, options=options, progress=progress)


def _as_configured(findings: Iterable[Finding], config: Config) -> Iterator[Finding]:
    """The findings that are not ignored, with the severity that the configuration gives them.

    ``select`` is about rules that read: a gate whose checks were not selected would always pass.
    """
    for finding in findings:
        if any(_names(entry, finding) for entry in config.ignore):
            note(f"ignored, as configured: {finding.code} {finding.rule} in {finding.path}")
            continue
        yield config.adjusted(finding)


def _names(entry: str, finding: Finding) -> bool:
    return entry.lower() == finding.rule or finding.code.startswith(entry.upper())


def _start_server(
    stack: ExitStack, config: Config, request: GateRequest, tell: Callable[[str], None]
) -> Server:
    """The server of the run, which goes away with the stack."""
    from alembic_proof.gate.servers.choose import start_server

    if config.server is not None:
        wanted = request.postgres or config.postgres
        return stack.enter_context(start_server(url=config.server, major=wanted, tell=tell))
    if request.postgres is not None or config.postgres is None:
        return stack.enter_context(start_server(major=request.postgres, tell=tell))
    try:
        return stack.enter_context(start_server(major=config.postgres, tell=tell))
    except ServerError as error:
        tell(f"{error.message}; taking another version (--postgres {config.postgres} insists)")
        return stack.enter_context(start_server(tell=tell))
