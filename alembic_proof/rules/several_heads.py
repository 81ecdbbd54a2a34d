"""AP601: the history does not end in one revision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from alembic_proof.findings import Finding, Severity
from alembic_proof.history import History, Revision
from alembic_proof.rules.base import Claim, Rule, Unobservable


class SeveralHeads(Rule):
    """One branch of the history has several heads.

    ## What it finds
    Two or more revisions without a child that descend from one base. Histories with bases of their
    own, and branches that carry a label of their own, are meant to have several heads.

    ## Why it hurts
    `alembic upgrade head` refuses to run: it does not know which head is meant. It happens when two
    changes that both extend the same revision are merged, and it stops the next deploy.

    ## What to do
    Set the `down_revision` of the one that is not deployed yet to the other head. When both are
    deployed somewhere, join them with `alembic merge`.

    ## When it is safe to ignore
    The deploy runs `alembic upgrade heads` and the branches are independent. Give them labels.
    """

    code = "AP601"
    severity = Severity.ERROR
    given = """
op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
"""
    bad = '''
"""Add orders.note."""

import sqlalchemy as sa
from alembic import op

revision = "aaa111"
down_revision = "{down_revision}"


def upgrade():
    op.add_column("orders", sa.Column("note", sa.Text()))


def downgrade():
    op.drop_column("orders", "note")
# next revision
"""Add orders.state."""

import sqlalchemy as sa
from alembic import op

revision = "bbb222"
down_revision = "{base_revision}"


def upgrade():
    op.add_column("orders", sa.Column("state", sa.Text()))


def downgrade():
    op.drop_column("orders", "state")
'''
    good = bad.replace("{base_revision}", "{down_revision}")
    claims: ClassVar[tuple[Claim, ...]] = (
        Unobservable("no server is asked: Alembic refuses before it connects"),
    )

    def check_history(self, history: History, pending: frozenset[str]) -> Iterator[Finding]:
        """Judge the heads of the whole history, branch by branch."""
        for heads in _branches(history):
            if len(heads) < 2 or _are_labelled(history, heads):
                continue
            at = next((head for head in reversed(heads) if head.id in pending), None)
            if at is None:
                continue
            others = [head for head in heads if head is not at]
            listed = ", ".join(f"{head.id} ({head.path})" for head in others)
            yield self.finding_at(
                at,
                at.parents_line,
                f"{at.id} is one of {len(heads)} heads, beside {listed}: alembic upgrade head refuses "
                "to run",
                help=(
                    f'down_revision = "{others[-1].id}"\n'
                    f"# or, where both are deployed: alembic merge {' '.join(h.id for h in heads)}"
                ),
            )


def _branches(history: History) -> list[list[Revision]]:
    """The heads of the history, grouped by the bases they descend from."""
    groups: list[tuple[set[str], list[Revision]]] = []
    for head in history.heads:
        bases = _bases(history, head)
        heads = [head]
        apart = []
        for group in groups:
            if group[0] & bases:
                bases |= group[0]
                heads = [*group[1], *heads]
            else:
                apart.append(group)
        groups = [*apart, (bases, heads)]
    return [heads for _, heads in groups]


def _lineage(history: History, head: Revision) -> set[str]:
    found = {head.id}
    todo = [head.id]
    while todo:
        new = [parent for parent in history.parents(todo.pop()) if parent not in found]
        found.update(new)
        todo += new
    return found


def _bases(history: History, head: Revision) -> set[str]:
    return {id_ for id_ in _lineage(history, head) if not history.parents(id_)}


def _are_labelled(history: History, heads: list[Revision]) -> bool:
    """Whether each head has a branch label that the others do not have."""
    labels = [
        {label for id_ in _lineage(history, head) for label in history[id_].branch_labels}
        for head in heads
    ]
    return all(
        mine.difference(*labels[:position], *labels[position + 1 :])
        for position, mine in enumerate(labels)
    )
