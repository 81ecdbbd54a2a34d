"""Owns what the gate's findings are called and what they mean; needs nothing that runs migrations."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_proof.findings import Confidence, Severity


@dataclass(frozen=True, slots=True)
class GateFinding:
    """A kind of finding that only running a release can make.

    ``documentation`` is Markdown under the headings of a rule's.
    """

    code: str
    name: str
    documentation: str
    severity: Severity = Severity.ERROR
    confidence: Confidence = Confidence.HIGH

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.documentation.partition("\n")[0]


GATE_FINDINGS = (
    GateFinding(
        "AP901",
        "failing-upgrade",
        """\
A pending revision cannot be applied.

## What it finds
`upgrade()` raises, is refused by PostgreSQL, ends the process or takes longer than the time limit.
The revisions behind it are not run.

## Why it hurts
The deploy stops there. What earlier transactions of the same run did stays.

## What to do
Correct `upgrade()`. A history that cannot start from an empty database leans on a schema that was
made elsewhere: give the gate a dump of it with `--start`.

## When it is safe to ignore
Never: the release cannot be deployed as it is.
""",
    ),
    GateFinding(
        "AP902",
        "failing-downgrade",
        """\
A pending revision cannot be taken back.

## What it finds
`downgrade()` raises, is refused by PostgreSQL, does not exist, ends the process or takes longer
than the time limit. It is a warning when the revision says itself that there is no way back.

## Why it hurts
A release with this revision cannot be rolled back, and that is learnt in the middle of an incident.

## What to do
Correct `downgrade()`. Where nothing can bring the data back, say so by raising
`NotImplementedError` with the reason, and plan to go forward.

## When it is safe to ignore
The team never goes back, and repairs by a new revision.
""",
    ),
    GateFinding(
        "AP903",
        "incomplete-downgrade",
        """\
After upgrade and downgrade the schema is not what it was before.

## What it finds
Tables, columns, types, indexes, constraints, functions, comments, grants and other catalogue
entries that the downgrade left behind, did not bring back, or brought back differently. The order
of columns does not count. It is a warning when only an extension is left behind.

## Why it hurts
A database that went back is not one that its code was tested with, and the next upgrade may fail on
what was left.

## What to do
Let `downgrade()` undo everything that `upgrade()` does. Alembic drops an enum type with neither its
column nor its table: `op.execute("DROP TYPE …")`.

## When it is safe to ignore
The difference is one that no code and no later revision can see.
""",
    ),
    GateFinding(
        "AP904",
        "unrepeatable-upgrade",
        """\
After a downgrade, the second upgrade fails or makes another schema than the first.

## What it finds
An upgrade that stumbles over what its downgrade left behind, or whose result depends on it.

## Why it hurts
A release that was rolled back once cannot be deployed again.

## What to do
Let `downgrade()` remove everything that `upgrade()` makes, and let `upgrade()` not depend on
leftovers (`IF NOT EXISTS`, checks of what is there).

## When it is safe to ignore
The team never goes back, and repairs by a new revision.
""",
    ),
)


def find_gate_finding(name_or_code: str) -> GateFinding | None:
    """The gate's finding with this name or code, in any letter case; None when there is none."""
    wanted = name_or_code.lower()
    return next((item for item in GATE_FINDINGS if wanted in (item.name, item.code.lower())), None)
