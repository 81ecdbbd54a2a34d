"""AP003: an inline allowance has no effect."""

from __future__ import annotations

from typing import ClassVar

from alembic_proof.findings import Finding, Severity
from alembic_proof.history import Revision
from alembic_proof.rules.base import Claim, Rule, Unobservable


class IneffectiveAllowance(Rule):
    """An allowance gives no reason, names no known rule, covers nothing, or is past its date.

    ## What it finds
    Comments `# alembic-proof: allow[…]` without a reason after ` -- `, for a rule that does not exist
    or cannot be allowed, that cover no finding, whose date is over, or that cannot be read.

    ## Why it hurts
    An exception that nobody can explain is copied into the next migration. One that covers nothing
    will one day hide a finding that nobody has seen.

    ## What to do
    Write it as `# alembic-proof: allow[rule-name] -- the reason (until 2030-01-31)`, at the end of the
    line, above the statement, or at the top of the file. Remove it when it covers nothing.

    ## When it is safe to ignore
    Never: this finding cannot be allowed.
    """

    code = "AP003"
    severity = Severity.ERROR
    suppressible = False
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = """
op.add_column("orders", sa.Column("note", sa.Text()))  # alembic-proof: allow[AP108] -- 400 rows
"""
    good = """
op.add_column("orders", sa.Column("note", sa.Text()))
"""
    claims: ClassVar[tuple[Claim, ...]] = (Unobservable("a comment reaches no server"),)

    def finding_about(
        self,
        message: str,
        *,
        help: str,  # noqa: A002 - the field's name in the report
        path: str,
        line: int,
        column: int,
        revision: Revision | None = None,
        unused: bool = False,
    ) -> Finding:
        """The finding about one allowance; only an unused one is no more than a warning."""
        return Finding(
            code=self.code,
            rule=self.name,
            severity=Severity.WARNING if unused else self.severity,
            confidence=self.confidence,
            revision=revision.id if revision is not None else "",
            path=path,
            line=line,
            column=column,
            message=message,
            help=help,
        )
