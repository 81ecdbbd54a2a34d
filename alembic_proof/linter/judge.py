"""Owns the replay: the history is run through the schema model, pending revisions through the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from alembic_proof.effects import TableEffect
from alembic_proof.errors import RuleError
from alembic_proof.findings import Finding, OperationCount, RevisionSummary, TableSummary
from alembic_proof.history import History, Revision
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import CreateTable, CreateView, Step
from alembic_proof.phases import phase_of_operation, phase_of_revision
from alembic_proof.postgres.effects import predict
from alembic_proof.release import JudgedStep, Release
from alembic_proof.rules.base import Context, Rule
from alembic_proof.schema_model import SchemaModel
from alembic_proof.schema_replay import replay
from alembic_proof.transactions import Session, renaming


@dataclass(slots=True)
class Judgement:
    """What the rules found, what each pending revision does, and the rules that crashed."""

    findings: list[Finding] = field(default_factory=list)
    revisions: list[RevisionSummary] = field(default_factory=list)
    crashes: list[RuleError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Questions:
    """The rules that answer each question, so that nobody is asked for nothing."""

    operation: tuple[Rule, ...]
    revision: tuple[Rule, ...]
    release: tuple[Rule, ...]
    history: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> _Questions:
        def answering(question: str) -> tuple[Rule, ...]:
            default = getattr(Rule, question)
            return tuple(rule for rule in rules if getattr(type(rule), question) is not default)

        return cls(
            answering("check_operation"),
            answering("check_revision"),
            answering("check_release"),
            answering("check_history"),
        )


def judge(history: History, releases: Sequence[Release], rules: Sequence[Rule]) -> Judgement:
    """Replay the whole history and ask every rule about every release.

    A revision belongs to one release at most; those of none were released before and only teach the
    schema model. A rule that raises is recorded as a crash and does not stop the others.
    """
    judgement = Judgement()
    questions = _Questions.of(rules)
    release_of = {revision.id: release for release in releases for revision in release.pending}
    sessions = {id(release): Session(release.environment) for release in releases}
    model = SchemaModel()
    for revision in history:
        release = release_of.get(revision.id)
        if release is None:
            _learn(model, revision)
            continue
        model.pending = frozenset(pending.id for pending in release.pending)
        _judge_revision(
            model, revision, release, sessions[id(release)], questions.operation, judgement
        )
    for release in releases:
        _judge_release(release, questions, judgement)
    for rule in questions.history if release_of else ():
        _collect(
            judgement,
            rule,
            None,
            lambda: rule.check_history(history, frozenset(release_of)),  # noqa: B023
        )
    return judgement


def _learn(model: SchemaModel, revision: Revision) -> None:
    for step in revision.upgrade.steps if revision.upgrade else ():
        replay(model, step.operation, revision.id, certain=step.condition is None)


def _judge_revision(
    model: SchemaModel,
    revision: Revision,
    release: Release,
    session: Session,
    rules: Sequence[Rule],
    judgement: Judgement,
) -> None:
    session.begin_revision()
    for step in revision.upgrade.steps if revision.upgrade else ():
        judged = _judged_step(model, revision, release, session, step)
        release.add(judged)
        context = Context(release, judged, model)
        for rule in rules:
            _collect(judgement, rule, revision, lambda: rule.check_operation(context))  # noqa: B023
        session.run(step, judged.effects, revision.id)
        replay(model, step.operation, revision.id, certain=step.condition is None)
    judgement.revisions.append(_summary(revision, release.steps_of(revision)))


def _judged_step(
    model: SchemaModel, revision: Revision, release: Release, session: Session, step: Step
) -> JudgedStep:
    effects = predict(step.operation, model, release.postgres)
    new_tables = {effect.table for effect in effects.tables if model.is_new(effect.table)}
    match step.operation:
        case CreateTable(table=created) | CreateView(view=created) if model.table(created) is None:
            new_tables.add(created)
        case _:
            pass
    return JudgedStep(
        revision=revision,
        step=step,
        effects=effects,
        moment=session.moment(),
        phase=phase_of_operation(step.operation, model),
        new_tables=frozenset(new_tables),
    )


def _judge_release(release: Release, questions: _Questions, judgement: Judgement) -> None:
    for revision in release.pending:
        for rule in questions.revision:
            _collect(
                judgement,
                rule,
                revision,
                lambda: rule.check_revision(revision, release),  # noqa: B023
            )
    for rule in questions.release:
        last = release.pending[-1] if release.pending else None
        _collect(judgement, rule, last, lambda: rule.check_release(release))  # noqa: B023


def _collect(
    judgement: Judgement,
    rule: Rule,
    revision: Revision | None,
    check: Callable[[], Iterator[Finding]],
) -> None:
    # A rule is our own code: whatever it raises is our bug, and must neither hide the findings of
    # the other rules nor pass for a clean result.
    try:
        judgement.findings.extend(check())
    except Exception as error:  # noqa: BLE001
        where = f"revision {revision.id} ({revision.path})" if revision else "the history"
        crash = RuleError(
            f"rule {rule.name} ({rule.code}) crashed on {where}: {type(error).__name__}: {error}",
            hint="this is a bug in alembic-proof; its result for this revision is missing",
        )
        crash.__cause__ = error
        judgement.crashes.append(crash)


def _summary(revision: Revision, steps: Sequence[JudgedStep]) -> RevisionSummary:
    upgrade = revision.upgrade
    created = [
        judged.operation.table for judged in steps if isinstance(judged.operation, CreateTable)
    ]
    return RevisionSummary(
        revision=revision.id,
        path=revision.path,
        phase=phase_of_revision(judged.phase for judged in steps).value,
        new_tables=tuple(dict.fromkeys(str(table) for table in created)),
        operations=OperationCount(len(upgrade.steps), upgrade.understood)
        if upgrade
        else OperationCount(),
        effects=tuple(table_summaries(steps)),
    )


def table_summaries(steps: Iterable[JudgedStep]) -> Iterator[TableSummary]:
    """What the transactions of one revision do to each table, in the order of first touch.

    The lock in force during an operation is the strongest that the revision took on that table since
    its transaction began, the operation's own included. Locks that an earlier revision of the same
    run still holds are left out: they are not this revision's doing. A table that is renamed goes by
    the name that it had before.
    """
    in_force: dict[tuple[int, Name], LockMode] = {}
    done: dict[Name, list[tuple[LockMode, TableEffect]]] = {}
    former: dict[Name, Name] = {}
    new: set[Name] = set()
    for judged in steps:
        for effect in judged.effects.tables:
            table = former.get(effect.table, effect.table)
            if judged.is_new(effect.table):
                new.add(table)
            key = (judged.moment.number, table)
            lock = LockMode.strongest([in_force.get(key, effect.lock), effect.lock])
            in_force[key] = lock
            done.setdefault(table, []).append((lock, effect))
        renamed = renaming(judged.operation)
        if renamed is not None:
            former[renamed[1]] = former.pop(renamed[0], renamed[0])
    for table, work in done.items():
        lock = LockMode.strongest([held for held, _ in work])
        heaviest = max(
            (effect for held, effect in work if held is lock), key=lambda effect: effect.work.rank
        )
        yield TableSummary(
            table=str(table),
            lock=lock,
            work=heaviest.work,
            new_table=table in new,
            why=heaviest.why,
        )
