"""Runs the gate, or only its agent, on projects that tests write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic_proof.findings import GateReport
from alembic_proof.gate.agent_process import AgentProcess
from alembic_proof.gate.run import GateOptions, gate_on
from alembic_proof.gate.servers.base import Server
from alembic_proof.project import Project
from tests.projects import revision_text


class Recorder:
    """Remembers what a gate run told of its progress."""

    def __init__(self) -> None:
        self.total = 0
        self.steps: list[str] = []
        self.notes: list[str] = []

    def start(self, total: int) -> None:
        self.total = total

    def step(self, label: str, seconds: float) -> None:
        assert seconds >= 0
        self.steps.append(label)

    def note(self, text: str) -> None:
        self.notes.append(text)


def project_in(root: Path) -> Project:
    """The project that ``tests.projects.write_project`` wrote."""
    migrations = root / "migrations"
    return Project(
        root=root,
        config_file=root / "alembic.ini",
        script_location=migrations,
        version_locations=(migrations / "versions",),
    )


def gate(server: Server, root: Path, **options: Any) -> GateReport:
    """Run the whole gate on a project."""
    return gate_on(
        server,
        project_in(root),
        options=GateOptions(**{"time_limit": 30.0, **options}),
        progress=Recorder(),
    )


def agent(
    server: Server,
    root: Path,
    database: str,
    *,
    time_limit: float = 30.0,
    python: str | None = None,
) -> AgentProcess:
    """Start an agent for a project and a database."""
    return AgentProcess(
        project_in(root), server.parameters(database), time_limit=time_limit, python=python
    )


def chain(*bodies: tuple[str, str]) -> dict[str, str]:
    """Revisions ``r1``, ``r2`` … with these bodies of upgrade and downgrade, each after the last."""
    texts = {}
    for number, (upgrade, downgrade) in enumerate(bodies, start=1):
        parent = f"r{number - 1}" if number > 1 else None
        texts[f"r{number}"] = revision_text(f"r{number}", upgrade, downgrade, down_revision=parent)
    return texts


def sql_chain(*statements: tuple[str, str]) -> dict[str, str]:
    """Like ``chain``, with SQL text in place of bodies; empty text does nothing."""

    def body(text: str) -> str:
        return f"op.execute({text!r})" if text else "pass"

    return chain(*((body(upgrade), body(downgrade)) for upgrade, downgrade in statements))


def codes(report: GateReport) -> list[tuple[str, str]]:
    """The code and revision of every finding, in order."""
    return [(finding.code, finding.revision) for finding in report.findings]
