"""Which histories with several heads are meant to have them."""

from __future__ import annotations

import pytest

from alembic_proof.history import History, Revision
from alembic_proof.rules.several_heads import SeveralHeads

BASE = Revision(id="base", path="base.py")


def revision(id_: str, *parents: str, labels: tuple[str, ...] = ()) -> Revision:
    return Revision(id=id_, path=f"{id_}.py", parents=parents, branch_labels=labels, parents_line=7)


def reported(*revisions: Revision, pending: int = 1) -> list[tuple[str, int]]:
    """(path, line) of each finding when the last revisions are pending."""
    ids = frozenset(item.id for item in revisions[-pending:])
    found = SeveralHeads().check_history(History(revisions), ids)
    return [(item.path, item.line) for item in found]


def test_two_changes_of_one_revision() -> None:
    assert reported(BASE, revision("a", "base"), revision("b", "base")) == [("b.py", 7)]


def test_three_heads_are_one_finding() -> None:
    heads = [revision(id_, "base") for id_ in "abc"]
    assert reported(BASE, *heads, pending=3) == [("c.py", 7)]


def test_the_finding_is_about_a_pending_head() -> None:
    assert reported(BASE, revision("b", "base"), revision("a", "base")) == [("a.py", 7)]


def test_released_heads_are_not_this_release() -> None:
    heads = [revision("a", "base"), revision("b", "base")]
    assert reported(BASE, *heads, revision("other_base")) == []


@pytest.mark.parametrize(
    "revisions",
    [
        pytest.param([BASE, revision("a", "base")], id="one head"),
        pytest.param(
            [BASE, revision("a", "base"), revision("b", "base"), revision("m", "a", "b")],
            id="merged",
        ),
        pytest.param([BASE, revision("a", "base"), revision("x"), revision("y", "x")], id="bases"),
        pytest.param(
            [
                BASE,
                revision("a", "base", labels=("web",)),
                revision("b", "base", labels=("jobs",)),
            ],
            id="labelled",
        ),
        pytest.param(
            [
                BASE,
                revision("a", "base", labels=("web",)),
                revision("a2", "a"),
                revision("b", "base", labels=("jobs",)),
                revision("b2", "b"),
            ],
            id="labelled above",
        ),
    ],
)
def test_histories_that_are_meant(revisions: list[Revision]) -> None:
    assert reported(*revisions, pending=len(revisions)) == []


def test_one_label_for_both_heads_is_none() -> None:
    labelled = [
        BASE,
        revision("a", "base", labels=("web",)),
        revision("b", "a"),
        revision("c", "a"),
    ]
    assert reported(*labelled, pending=2) == [("c.py", 7)]


def test_heads_of_one_label_beside_another_branch() -> None:
    jobs = [revision("jobs", labels=("jobs",)), revision("jobs2", "jobs")]
    assert reported(BASE, *jobs, revision("a", "base"), revision("b", "base"), pending=2) == [
        ("b.py", 7)
    ]
