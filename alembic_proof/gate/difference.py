"""Owns the difference of two snapshots, and the words for it.

What goes away or comes with the object that it is part of is not told again: when a table is
missing, its columns are not listed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator

import msgspec

from alembic_proof.gate.snapshot import ObjectId, Snapshot, Value

COLUMN_ORDER = "column order"

LONGEST_VALUE = 80
"""Longer values are told as the lines in which they differ."""


class Missing(msgspec.Struct, frozen=True, tag=True):
    """An object of the first snapshot that the second has not."""

    object: ObjectId

    def lines(self, moment: str) -> Iterator[str]:
        """Say so, for people; ``moment`` is when the second snapshot was taken."""
        yield f"{self.object}: missing after {moment}"


class LeftOver(msgspec.Struct, frozen=True, tag=True):
    """An object of the second snapshot that the first had not."""

    object: ObjectId

    def lines(self, moment: str) -> Iterator[str]:
        """Say so, for people; ``moment`` is when the second snapshot was taken."""
        yield f"{self.object}: left over after {moment}"


class Changed(msgspec.Struct, frozen=True, tag=True):
    """A property that differs; None is PostgreSQL's default for it."""

    object: ObjectId
    property: str
    before: Value | None
    after: Value | None

    def lines(self, moment: str) -> Iterator[str]:
        """Say so, for people; ``moment`` is when the second snapshot was taken."""
        before, after = _shown(self.before), _shown(self.after)
        start = f"{self.object}: {self.property}"
        if max(len(before), len(after)) <= LONGEST_VALUE and "\n" not in before + after:
            yield f"{start} was {before}, is {after} after {moment}"
            return
        yield f"{start} differs after {moment}"
        differing = difflib.ndiff(before.splitlines(), after.splitlines())
        yield from (f"    {line.rstrip()}" for line in differing if line[0] in "-+")


Change = Missing | LeftOver | Changed


class Difference(msgspec.Struct, frozen=True):
    """How a second snapshot differs from a first.

    ``reordered`` holds tables whose columns are the same but stand in another order, which
    PostgreSQL cannot undo and most applications do not notice; it is not counted as a change.
    """

    changes: tuple[Change, ...] = ()
    reordered: tuple[ObjectId, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def lines(self, moment: str) -> Iterator[str]:
        """Say every change, for people; ``moment`` is when the second snapshot was taken."""
        for change in self.changes:
            yield from change.lines(moment)


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """Compare two snapshots; the changes are sorted by object."""
    changes: list[Change] = [
        *(Missing(object_id) for object_id in _topmost(before, after)),
        *(LeftOver(object_id) for object_id in _topmost(after, before)),
    ]
    reordered = []
    for object_id in before.keys() & after.keys():
        for name, old, new in _changed_properties(before, after, object_id):
            if name != COLUMN_ORDER:
                changes.append(Changed(object_id, name, old, new))
            elif _same_elements(old, new):
                reordered.append(object_id)
    return Difference(
        tuple(sorted(changes, key=lambda change: (change.object, type(change).__name__))),
        tuple(sorted(reordered)),
    )


def _topmost(here: Snapshot, there: Snapshot) -> Iterator[ObjectId]:
    """The objects that only ``here`` has and that are not part of another such object."""
    only_here = here.keys() - there.keys()
    return (
        object_id
        for object_id in only_here
        if not any(parent in only_here for parent in object_id.parents)
    )


def _changed_properties(
    before: Snapshot, after: Snapshot, object_id: ObjectId
) -> Iterator[tuple[str, Value | None, Value | None]]:
    old, new = before[object_id], after[object_id]
    if old == new:
        return
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _same_elements(old: Value | None, new: Value | None) -> bool:
    return isinstance(old, tuple) and isinstance(new, tuple) and set(old) == set(new)


def _shown(value: Value | None) -> str:
    match value:
        case None:
            return "not set"
        case tuple():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)
