"""Owns a lint run: project → history → pending releases → judgement → report."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

import msgspec

from alembic_proof import __version__
from alembic_proof.config import Config
from alembic_proof.errors import HistoryError
from alembic_proof.findings import Finding, Report
from alembic_proof.history import History, Revision
from alembic_proof.linter.cache import RevisionCache
from alembic_proof.linter.discover import revision_files
from alembic_proof.linter.environment import read_environment
from alembic_proof.linter.judge import judge
from alembic_proof.linter.pending import Selection, select_pending
from alembic_proof.linter.reading import read_all
from alembic_proof.linter.suppressions import Allowed, apply_allowances, read_allowances
from alembic_proof.project import Project
from alembic_proof.release import Release
from alembic_proof.rules import all_rules
from alembic_proof.rules.base import Rule
from alembic_proof.rules.ineffective_allowance import IneffectiveAllowance

ASSUMED_POSTGRES = 15
"""The major judged for when none is configured: the oldest that PostgreSQL still maintains."""


class LintOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for; None and empty mean "as configured".

    ``today`` is the day on which the dates of allowances are judged.
    """

    postgres: int | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    selection: Selection = Selection()
    use_cache: bool = True
    today: datetime.date = msgspec.field(default_factory=datetime.date.today)


def read_history(project: Project, *, use_cache: bool = True) -> History:
    """Read every revision file of a project.

    Raises:
        SourceError: a revision file cannot be read.
        HistoryError: there is no revision, or the revisions do not form a history.

    """
    cache = RevisionCache.open(project.root, __version__) if use_cache else None
    revisions = read_all(revision_files(project), project.root, cache)
    if not revisions:
        folders = ", ".join(str(folder) for folder in project.version_locations)
        raise HistoryError(
            f"there is no revision in {folders}",
            hint="check script_location and version_locations, or name the project's folder",
        )
    return History(revisions)


def lint(project: Project, config: Config, options: LintOptions) -> Report:
    """Judge the pending revisions of a project.

    Raises:
        AlembicProofError: the job could not be done; the subclass says which part of it.

    """
    history = read_history(project, use_cache=options.use_cache)
    environment = read_environment(project)
    pending = select_pending(history, project, options.selection.or_configured(config))
    postgres, postgres_source = _postgres(config, options)
    env_path = _relative_env(project)
    releases = [
        Release(
            history=history,
            pending=revisions,
            environment=environment,
            postgres=postgres,
            env_path=env_path,
        )
        for revisions in pending.releases
    ]
    rules = selected_rules(options.select or config.select, (*config.ignore, *options.ignore))
    judgement = judge(history, releases, rules)
    judged = [revision for revisions in pending.releases for revision in revisions]
    found = list(dict.fromkeys(judgement.findings))  # the rounds of a loop say the same
    parted = _part(project, judged, found, rules, options.today)
    findings = [*parted.kept, *_about_allowances(parted, judged, rules)]
    return Report(
        project=str(project.root),
        postgres=postgres,
        postgres_source=postgres_source,
        findings=tuple(
            sorted(map(config.adjusted, findings), key=lambda finding: finding.sort_key)
        ),
        allowed=tuple(sorted(parted.allowed, key=lambda finding: finding.sort_key)),
        revisions=tuple(judgement.revisions),
        read=len(history),
        failures=tuple(crash.message for crash in judgement.crashes),
        notes=(*environment.unresolved, f"revisions {pending.description}"),
    )


def selected_rules(select: Sequence[str], ignore: Sequence[str]) -> tuple[Rule, ...]:
    """The rules that are selected (all when ``select`` is empty) and not ignored.

    Each entry is a rule's name, its code, or the beginning of codes (``AP1``).
    """
    return tuple(
        rule
        for rule in all_rules()
        if (not select or _named_by(rule, select)) and not _named_by(rule, ignore)
    )


def _named_by(rule: Rule, entries: Iterable[str]) -> bool:
    return any(
        entry.lower() == rule.name or rule.code.startswith(entry.upper()) for entry in entries
    )


def _postgres(config: Config, options: LintOptions) -> tuple[int, str]:
    if options.postgres is not None:
        return options.postgres, "asked for"
    if config.postgres is not None:
        return config.postgres, "configured"
    return ASSUMED_POSTGRES, "assumed; say `postgres = …` in [tool.alembic-proof]"


def _relative_env(project: Project) -> str:
    if project.env_py.is_relative_to(project.root):
        return project.env_py.relative_to(project.root).as_posix()
    return str(project.env_py)


def _part(
    project: Project,
    judged: Sequence[Revision],
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    today: datetime.date,
) -> Allowed:
    sources = {
        revision.path: (project.root / revision.path).read_text("utf-8", errors="replace")
        for revision in judged
    }
    return apply_allowances(
        findings,
        {path: read_allowances(source) for path, source in sources.items()},
        today=today,
        known_rules={
            key: rule.name
            for rule in all_rules()
            for key in (rule.name, rule.code, rule.code.lower())
        },
        active_rules={rule.name for rule in rules},
        not_allowable={rule.name for rule in all_rules() if not rule.suppressible},
    )


def _about_allowances(
    parted: Allowed, judged: Sequence[Revision], rules: Sequence[Rule]
) -> list[Finding]:
    rule = next((rule for rule in rules if isinstance(rule, IneffectiveAllowance)), None)
    if rule is None:
        return []
    revisions = {revision.path: revision for revision in judged}
    return [
        rule.finding_about(
            problem.message,
            help=problem.help,
            path=problem.path,
            line=problem.allowance.line,
            column=problem.allowance.column,
            revision=revisions[problem.path],
            unused=problem.kind == "unused",
        )
        for problem in parted.problems
    ]
