"""Owns the way from the command line to one report per project."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from alembic_proof.cli.exit_status import ExitStatus, of_report, worst
from alembic_proof.cli.options import Request
from alembic_proof.cli.output import complain, note
from alembic_proof.config import Config, check_rule_names, load_config, override, read_config
from alembic_proof.errors import AlembicProofError, UsageError
from alembic_proof.findings import Report
from alembic_proof.project import Project


@dataclass(frozen=True, slots=True)
class Judged:
    """One project with the settings that held for it and what was found in it."""

    project: Project
    config: Config
    report: Report


@dataclass(slots=True)
class Run:
    """What came of every project: a report, or the reason why there is none."""

    judged: list[Judged] = field(default_factory=list)
    errors: list[AlembicProofError] = field(default_factory=list)

    @property
    def reports(self) -> list[Report]:
        """The reports, in the order of the projects."""
        return [item.report for item in self.judged]

    @property
    def failures(self) -> tuple[str, ...]:
        """Why there is no report for some projects."""
        return tuple(error.message for error in self.errors)

    def finish(self) -> ExitStatus:
        """Say on standard error what went wrong, and decide the exit status."""
        for error in self.errors:
            complain(error)
        for failure in (failure for report in self.reports for failure in report.failures):
            complain(AlembicProofError(failure, hint="the result is incomplete"))
        statuses = [of_report(item.report, item.config.fail_on) for item in self.judged]
        return worst([*statuses, *(ExitStatus.CANNOT for _ in self.errors)])


def source_of(project: Project) -> Callable[[str], Sequence[str]]:
    """How to get the lines of a file of the project; there are none when it cannot be read."""

    @functools.cache
    def lines(path: str) -> Sequence[str]:
        try:
            text = (project.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        return text.splitlines()

    return lines


def find_projects(paths: Iterable[Path], config_file: Path | None) -> tuple[Project, ...]:
    """The projects that the paths mean, each once.

    Raises:
        ConfigError: a path means no project.

    """
    from alembic_proof.linter.discover import discover_projects

    found: dict[object, Project] = {}
    for path in paths:
        excludes = load_settings(path, config_file).excludes
        for project in discover_projects(path, exclude=excludes):
            found.setdefault((project.script_location, project.version_locations), project)
    return tuple(found.values())


def load_settings(folder: Path, config_file: Path | None) -> Config:
    """The settings that hold in a folder, or those of the given file.

    Raises:
        ConfigError: the settings cannot be used or name rules that do not exist, or the given file
            has none.

    """
    if config_file is not None:
        config = read_config(config_file)
    else:
        config = load_config(folder if folder.is_dir() else folder.parent)
    check_rule_names(config, known_rules())
    return config


def known_rules() -> list[str]:
    """The codes and names of all rules and of the gate's findings."""
    from alembic_proof.gate.checks.catalogue import GATE_FINDINGS
    from alembic_proof.rules import all_rules

    names = [name for rule in all_rules() for name in (rule.code, rule.name)]
    return names + [name for item in GATE_FINDINGS for name in (item.code, item.name)]


def judge(request: Request) -> Run:
    """Lint every project that is asked for.

    Raises:
        AlembicProofError: there is no project at all.

    """
    projects = find_projects(request.paths, request.config_file)
    run = Run()
    for project in projects:
        for text in project.notes:
            note(text)
        try:
            run.judged.append(_judge(project, request))
        except AlembicProofError as error:
            run.errors.append(error)
    return run


def _judge(project: Project, request: Request) -> Judged:
    from alembic_proof.linter.pending import Selection
    from alembic_proof.linter.run import LintOptions, lint

    config = _configured(project, request)
    check_rule_names(_named(request), known_rules())
    report = lint(
        project,
        config,
        LintOptions(
            postgres=request.postgres,
            select=request.select,
            ignore=request.ignore,
            selection=Selection(diff_base=request.diff_base, since=request.since, all=request.all),
            use_cache=request.use_cache,
        ),
    )
    report = msgspec.structs.replace(report, project=as_written(project.root))
    return Judged(project, config, _restricted(report, project, request.paths))


def _configured(project: Project, request: Request) -> Config:
    config = load_settings(project.root, request.config_file)
    return override(config, {"fail-on": request.fail_on}, origin="--fail-on")


def _named(request: Request) -> Config:
    """The rules that the command line names, so that they are checked as configured ones are."""
    config = override(Config(), {"select": request.select}, origin="--select")
    return override(config, {"ignore": request.ignore}, origin="--ignore")


def as_written(folder: Path) -> str:
    """A folder as a person in the current directory would write it, with forward slashes."""
    try:
        relative = os.path.relpath(folder)
    except ValueError:  # another drive
        return folder.as_posix()
    return (
        folder if relative.startswith(os.pardir + os.sep + os.pardir) else Path(relative)
    ).as_posix()


def _restricted(report: Report, project: Project, paths: Sequence[Path]) -> Report:
    """The report on the revision files named; the whole report when a folder is named too."""
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - resolves ".." only
    named = [path for path in absolute if _is_revision_file(path, project)]
    if not named or len(named) < len(absolute):
        return report
    return _only(report, lambda path: project.root / path in named)


def _is_revision_file(path: Path, project: Project) -> bool:
    return path.suffix == ".py" and any(
        path.is_relative_to(folder) for folder in project.version_locations
    )


def _only(report: Report, wanted: Callable[[str], bool]) -> Report:
    revisions = tuple(item for item in report.revisions if wanted(item.path))
    if not revisions and len(report.revisions) == report.read:
        raise UsageError(
            "none of the files named is a revision",
            hint="name revision files, or the project's folder",
        )
    return msgspec.structs.replace(
        report,
        findings=tuple(item for item in report.findings if wanted(item.path)),
        allowed=tuple(item for item in report.allowed if wanted(item.path)),
        revisions=revisions,
    )
