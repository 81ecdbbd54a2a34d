"""The revision graph: order, heads, branches, dependencies and what is not a history."""

from __future__ import annotations

import pytest

from alembic_proof.errors import HistoryError
from alembic_proof.history import History, Revision


def revision(
    id_: str, *parents: str, depends_on: tuple[str, ...] = (), labels: tuple[str, ...] = ()
) -> Revision:
    return Revision(
        id=id_,
        path=f"versions/{id_}.py",
        parents=parents,
        depends_on=depends_on,
        branch_labels=labels,
    )


@pytest.fixture
def branched() -> History:
    """a ← b ← d (merge of b and c), c beside b; e is a base that depends on c."""
    return History(
        [
            revision("d1", "b1", "c1"),
            revision("c1", "a1"),
            revision("b1", "a1"),
            revision("a1"),
            revision("e1", depends_on=("c1",), labels=("reports",)),
        ]
    )


def test_every_revision_comes_after_its_parents_and_dependencies(branched: History) -> None:
    order = [item.id for item in branched]
    for child, needed in [("b1", "a1"), ("c1", "a1"), ("d1", "b1"), ("d1", "c1"), ("e1", "c1")]:
        assert order.index(needed) < order.index(child)


def test_the_order_does_not_depend_on_the_order_of_the_files() -> None:
    revisions = [revision("a"), revision("b", "a"), revision("c", "a"), revision("d", "b", "c")]
    orders = {tuple(item.id for item in History(part)) for part in (revisions, revisions[::-1])}
    assert len(orders) == 1


def test_bases_and_heads(branched: History) -> None:
    assert {item.id for item in branched.bases} == {"a1", "e1"}
    assert {item.id for item in branched.heads} == {"d1", "e1"}


def test_ancestors_follow_parents_and_dependencies(branched: History) -> None:
    assert branched.ancestors("d1") == {"a1", "b1", "c1"}
    assert branched.ancestors("e1") == {"a1", "c1"}


def test_after_leaves_out_what_is_applied_and_all_below(branched: History) -> None:
    assert {item.id for item in branched.after(["b1"])} == {"c1", "d1", "e1"}
    assert branched.after(["d1", "e1"]) == ()


@pytest.mark.parametrize(
    ("name", "found"), [("d1", "d1"), ("d", "d1"), ("reports", "e1")], ids=["id", "start", "label"]
)
def test_find(branched: History, name: str, found: str) -> None:
    assert branched.find(name).id == found


def test_find_head_is_ambiguous_with_two_heads(branched: History) -> None:
    with pytest.raises(HistoryError, match="2 heads"):
        branched.find("head")


def test_find_says_that_there_is_no_such_revision(branched: History) -> None:
    with pytest.raises(HistoryError, match="no revision 'zz'"):
        branched.find("zz")


def test_a_partial_parent_and_a_branch_label_are_resolved() -> None:
    history = History(
        [revision("abcdef", labels=("core",)), revision("2", "abc"), revision("3", "core@abcdef")]
    )
    assert history.parents("2") == ("abcdef",)
    assert history.parents("3") == ("abcdef",)


def test_two_files_with_one_id_are_named() -> None:
    twin = Revision(id="a", path="versions/other.py")
    with pytest.raises(HistoryError, match=r"versions/a\.py and versions/other\.py"):
        History([revision("a"), twin])


def test_a_missing_parent_is_named_with_its_child() -> None:
    with pytest.raises(HistoryError, match=r"versions/b\.py names revision 'gone'"):
        History([revision("b", "gone")])


def test_a_cycle_is_named_in_full() -> None:
    with pytest.raises(HistoryError, match="cycle") as caught:
        History([revision("a", "c"), revision("b", "a"), revision("c", "b")])
    assert all(f"versions/{id_}.py" in caught.value.message for id_ in "abc")
