"""The round trip: a revision goes up, down and up again, and the schema must follow.

AP901 failing-upgrade        the upgrade fails
AP902 failing-downgrade      the downgrade fails, or says that there is no way back
AP903 incomplete-downgrade   the schema after the downgrade is not the one from before
AP904 unrepeatable-upgrade   the second upgrade fails, or makes another schema than the first
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from alembic_proof.findings import Confidence, Finding, Severity
from alembic_proof.gate.agent_process import RevisionFile
from alembic_proof.gate.difference import Difference, LeftOver, difference
from alembic_proof.gate.failures import Step, StepFailedError, StepFailure, shown_path
from alembic_proof.gate.sandbox import Sandbox
from alembic_proof.gate.snapshot import Snapshot

RULES = {
    "AP901": "failing-upgrade",
    "AP902": "failing-downgrade",
    "AP903": "incomplete-downgrade",
    "AP904": "unrepeatable-upgrade",
}

_SAYS_IRREVERSIBLE = re.compile(
    r"irreversib|not reversib|one[- ]way|no (?:way back|downgrade)|"
    r"can(?:not|'t| not) (?:be )?(?:undo|undone|revert|downgrade|roll(?:ed)? ?back)|"
    r"(?:downgrad\w*|revers\w*|roll(?:ing)? ?back)\b.{0,40}\bnot\b.{0,12}"
    r"(?:supported|possible|implemented|allowed)",
    re.IGNORECASE | re.DOTALL,
)
_HAS_NO_DOWNGRADE = re.compile(r"has no attribute 'downgrade'")
_MISSING_OBJECT = frozenset({"42P01", "42703", "42704", "42883", "3F000"})
"""SQLSTATEs of a table, column, object, function or schema name that does not exist."""


@dataclass(slots=True)
class RoundTrip:
    """What one revision did: seconds of each step that ended well, and what was found.

    ``reordered`` names tables whose columns the round trip left in another order. ``after`` is the
    schema with the revision applied, None when it could not be applied.
    """

    revision: str
    path: str
    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    reordered: tuple[str, ...] = ()
    after: Snapshot | None = None


def round_trip(sandbox: Sandbox, revision: RevisionFile, root: Path, before: Snapshot) -> RoundTrip:
    """Take one revision up, down and up; leave the sandbox with the revision applied.

    ``before`` is the schema as it is now, ``root`` the folder that paths are told from.
    """
    return _Trip(sandbox, revision, root, before).run()


class _Trip:
    """One round trip under way."""

    def __init__(
        self, sandbox: Sandbox, revision: RevisionFile, root: Path, before: Snapshot
    ) -> None:
        self._sandbox = sandbox
        self._revision = revision
        self._before = before
        self._result = RoundTrip(revision.id, shown_path(revision.path, root))

    def run(self) -> RoundTrip:
        up = Step(self._revision.id, "upgrade")
        try:
            seconds = self._step("upgrade", up)
        except StepFailedError as error:
            self._report_failing_upgrade(error.failure)
            return self._result
        self._sandbox.accept([up], seconds)
        first = self._result.after = self._sandbox.snapshot()
        self._downgrade(first)
        if self._sandbox.is_applied(self._revision.id):
            unchanged = self._sandbox.snapshot() == first
        else:
            unchanged = self._upgrade_again(up, first)
        if not unchanged:
            self._sandbox.restore()
        return self._result

    def _downgrade(self, first: Snapshot) -> None:
        try:
            self._step("downgrade", Step(self._revision.id, "downgrade"))
        except StepFailedError as error:
            self._report_failing_downgrade(error.failure)
            return
        taken_back = self._sandbox.snapshot()
        found = difference(self._before, taken_back)
        self._result.reordered = tuple(table.name for table in found.reordered)
        if found:
            self._report_incomplete_downgrade(found, does_nothing=taken_back == first)

    def _upgrade_again(self, up: Step, first: Snapshot) -> bool:
        """Whether the second upgrade made exactly the schema of the first."""
        try:
            self._step("second upgrade", up)
        except StepFailedError as error:
            self._report_failing_second_upgrade(error.failure)
            return False
        second = self._sandbox.snapshot()
        found = difference(first, second)
        if found:
            self._report_different_second_upgrade(found)
        return second == first

    def _step(self, name: str, step: Step) -> float:
        seconds = self._sandbox.run(step)
        self._result.seconds[name] = seconds
        return seconds

    def _report_failing_upgrade(self, failure: StepFailure) -> None:
        leans = failure.sqlstate in _MISSING_OBJECT
        self._report(
            "AP901",
            f"upgrade fails: {failure.summary}",
            "if the history leans on a schema made elsewhere, start from a dump of it with --start"
            if leans
            else "correct upgrade(); the revisions after it were not run",
            line=failure.line_in(self._revision.path) or self._revision.upgrade_line,
            note=failure.details,
        )

    def _report_failing_downgrade(self, failure: StepFailure) -> None:
        if _HAS_NO_DOWNGRADE.search(failure.message):
            message = "downgrade fails: the revision has no downgrade()"
            irreversible = False
        else:
            irreversible = _is_declared_irreversible(failure)
            reason = "is declared irreversible" if irreversible else "fails"
            message = f"downgrade {reason}: {failure.summary}"
        self._report(
            "AP902",
            message,
            "plan to go forward instead: nothing before this revision can be reached again"
            if irreversible
            else "correct downgrade(): without it a release with this revision cannot be rolled back",
            line=failure.line_in(self._revision.path) or self._revision.downgrade_line,
            note=failure.details,
            severity=Severity.WARNING if irreversible else Severity.ERROR,
        )

    def _report_incomplete_downgrade(self, found: Difference, *, does_nothing: bool) -> None:
        only_extensions = all(
            isinstance(change, LeftOver) and change.object.kind == "extension"
            for change in found.changes
        )
        does = "does nothing" if does_nothing else "does not bring the schema back"
        self._report(
            "AP903",
            f"downgrade {does}: {_summary(found, 'downgrade')}",
            _advice(found),
            line=self._revision.downgrade_line,
            note="\n".join(found.lines("downgrade")),
            severity=Severity.WARNING if only_extensions else Severity.ERROR,
            table=_table(found),
        )

    def _report_failing_second_upgrade(self, failure: StepFailure) -> None:
        self._report(
            "AP904",
            f"upgrade fails after the downgrade: {failure.summary}",
            "let downgrade() remove everything that upgrade() makes, so that a release that was "
            "rolled back can be deployed again",
            line=failure.line_in(self._revision.path) or self._revision.upgrade_line,
            note=failure.details,
        )

    def _report_different_second_upgrade(self, found: Difference) -> None:
        self._report(
            "AP904",
            "second upgrade makes another schema than the first: "
            + _summary(found, "second upgrade"),
            "let downgrade() remove what upgrade() makes, and upgrade() not depend on leftovers",
            line=self._revision.upgrade_line,
            note="\n".join(found.lines("second upgrade")),
            table=_table(found),
        )

    def _report(
        self,
        code: str,
        message: str,
        advice: str,
        *,
        line: int | None,
        note: str,
        severity: Severity = Severity.ERROR,
        table: str | None = None,
    ) -> None:
        self._result.findings.append(
            Finding(
                code=code,
                rule=RULES[code],
                severity=severity,
                confidence=Confidence.HIGH,
                revision=self._revision.id,
                path=self._result.path,
                line=line or 1,
                column=1,
                message=message,
                help=advice,
                note=note,
                table=table,
                source="observed",
            )
        )


def _is_declared_irreversible(failure: StepFailure) -> bool:
    """Whether the author raised this on purpose: a server's refusal never counts."""
    if failure.sqlstate is not None:
        return False
    if failure.type == "NotImplementedError":
        return True
    return _SAYS_IRREVERSIBLE.search(f"{failure.type} {failure.message}") is not None


def _summary(found: Difference, moment: str) -> str:
    first = next(found.lines(moment))
    more = len(found.changes) - 1
    return f"{first} (and {more} more)" if more else first


def _advice(found: Difference) -> str:
    enums = [
        change.object.name
        for change in found.changes
        if isinstance(change, LeftOver) and change.object.kind == "enum"
    ]
    if enums:
        return f"drop the type in downgrade(): op.execute('DROP TYPE {enums[0]}')"
    return "let downgrade() undo everything that upgrade() does"


def _table(found: Difference) -> str | None:
    kind, name = found.changes[0].object.path[0]
    return name if kind == "table" else None
