"""Owns the revision history as a graph: parents, bases, heads, branches, dependencies, order.

It knows nothing about what revisions do. Alembic's terms are used throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

import msgspec

from alembic_proof.errors import HistoryError
from alembic_proof.operations import Procedure


class Revision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One revision file as read.

    ``path`` is relative to the project, with forward slashes. ``parents`` is ``down_revision`` as a
    tuple (empty for a base). ``depends_on`` and ``branch_labels`` are as in the file. ``phase`` is a
    phase declared in the file. ``imports_application`` lists modules imported that are neither in
    the standard library nor Alembic nor SQLAlchemy.
    """

    id: str
    path: str
    parents: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    message: str = ""
    upgrade: Procedure | None = None
    downgrade: Procedure | None = None
    phase: str | None = None
    imports_application: tuple[str, ...] = ()
    id_line: int = 1
    parents_line: int = 1


class History:
    """A set of revisions whose parents are all present and that has no cycle.

    Raises:
        HistoryError: two revisions share an id, a parent or dependency is missing, or there is a
            cycle. The message names the files.

    """

    def __init__(self, revisions: Iterable[Revision]) -> None:
        self._revisions: dict[str, Revision] = {}
        for revision in revisions:
            other = self._revisions.get(revision.id)
            if other is not None:
                raise HistoryError(
                    f"revision id {revision.id!r} is used twice: {other.path} and {revision.path}",
                    hint="give one of them a new id and correct the down_revision of its children",
                )
            self._revisions[revision.id] = revision
        self._labels = {
            label: revision.id
            for revision in self._revisions.values()
            for label in revision.branch_labels
        }
        self._parents = {
            revision.id: tuple(self._resolve(parent, revision) for parent in revision.parents)
            for revision in self._revisions.values()
        }
        self._dependencies = {
            revision.id: tuple(self._resolve(name, revision) for name in revision.depends_on)
            for revision in self._revisions.values()
        }
        self._children: dict[str, list[str]] = {id_: [] for id_ in self._revisions}
        for id_, parents in self._parents.items():
            for parent in parents:
                self._children[parent].append(id_)
        self._order = self._sorted()

    def __len__(self) -> int:
        return len(self._revisions)

    def __iter__(self) -> Iterator[Revision]:
        """The revisions in an order in which they can be applied."""
        return (self._revisions[id_] for id_ in self._order)

    def __contains__(self, revision_id: object) -> bool:
        return revision_id in self._revisions

    def __getitem__(self, revision_id: str) -> Revision:
        return self._revisions[revision_id]

    @property
    def bases(self) -> tuple[Revision, ...]:
        """Revisions without a parent, in order."""
        return tuple(self._revisions[id_] for id_ in self._order if not self._parents[id_])

    @property
    def heads(self) -> tuple[Revision, ...]:
        """Revisions without a child, in order."""
        return tuple(self._revisions[id_] for id_ in self._order if not self._children[id_])

    def parents(self, revision_id: str) -> tuple[str, ...]:
        """The ids of its parents; partial ids and branch labels are resolved."""
        return self._parents[revision_id]

    def children(self, revision_id: str) -> tuple[str, ...]:
        """The ids of the revisions that name it as a parent."""
        return tuple(self._children[revision_id])

    def dependencies(self, revision_id: str) -> tuple[str, ...]:
        """The ids of the revisions in its ``depends_on``."""
        return self._dependencies[revision_id]

    def find(self, name: str) -> Revision:
        """The revision with this id, unambiguous beginning of an id, branch label, or ``base``/``head``.

        Raises:
            HistoryError: there is none, or more than one.

        """
        if name in self._revisions:
            return self._revisions[name]
        if name in self._labels:
            return self._revisions[self._labels[name]]
        if name in ("head", "heads"):
            if len(self.heads) == 1:
                return self.heads[0]
            raise HistoryError(
                f"{name!r} is ambiguous: there are {len(self.heads)} heads",
                hint="name one: " + ", ".join(head.id for head in self.heads),
            )
        matches = [id_ for id_ in self._revisions if id_.startswith(name)] if name else []
        if len(matches) == 1:
            return self._revisions[matches[0]]
        if matches:
            raise HistoryError(
                f"revision {name!r} is ambiguous", hint="it begins " + ", ".join(sorted(matches))
            )
        raise HistoryError(
            f"there is no revision {name!r} in this history",
            hint="`alembic history` lists the revisions",
        )

    def ancestors(self, revision_id: str) -> frozenset[str]:
        """Every revision that must be applied before it, through parents and dependencies."""
        seen: set[str] = set()
        todo = [revision_id]
        while todo:
            current = todo.pop()
            for id_ in (*self._parents[current], *self._dependencies[current]):
                if id_ not in seen:
                    seen.add(id_)
                    todo.append(id_)
        return frozenset(seen)

    def after(self, applied: Iterable[str]) -> tuple[Revision, ...]:
        """The revisions that are neither among these nor ancestors of them, in order."""
        done: set[str] = set()
        for id_ in applied:
            done |= {id_} | self.ancestors(id_)
        return tuple(self._revisions[id_] for id_ in self._order if id_ not in done)

    def _resolve(self, name: str, by: Revision) -> str:
        if name in self._revisions:
            return name
        label = name.split("@", 1)[0] if "@" in name else name
        if label in self._labels:
            return self._labels[label]
        matches = [id_ for id_ in self._revisions if id_.startswith(name)] if name else []
        if len(matches) == 1:
            return matches[0]
        raise HistoryError(
            f"{by.path} names revision {name!r}, which is not in the history",
            hint="restore that file, or correct down_revision / depends_on",
        )

    def _sorted(self) -> tuple[str, ...]:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for id_ in sorted(self._revisions):
            sorter.add(id_, *self._parents[id_], *self._dependencies[id_])
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            ids = [str(id_) for id_ in error.args[1]]
            files = ", ".join(sorted({self._revisions[id_].path for id_ in ids}))
            raise HistoryError(
                f"the history has a cycle: {' → '.join(reversed(ids))} ({files})",
                hint="correct down_revision in one of these files",
            ) from error
