"""Owns the table-level lock modes of PostgreSQL: their order, their conflicts and their prose.

Source: PostgreSQL manual, "Explicit Locking", table 13.2 (unchanged from 12 to 18).
"""

from __future__ import annotations

import enum


class LockMode(enum.StrEnum):
    """A table-level lock mode, written as the manual writes it.

    Members are declared from the weakest to the strongest; :meth:`rank` gives that order.
    """

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @property
    def rank(self) -> int:
        """Place in the order of strength, 0 for ACCESS SHARE to 7 for ACCESS EXCLUSIVE."""
        return _RANKS[self]

    def conflicts_with(self, other: LockMode) -> bool:
        """Whether two sessions cannot hold these modes on one table at the same time."""
        return other in _CONFLICTS[self]

    @property
    def blocks_reads(self) -> bool:
        """Whether a plain SELECT waits while this lock is held."""
        return self.conflicts_with(LockMode.ACCESS_SHARE)

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE, DELETE wait while this lock is held."""
        return self.conflicts_with(LockMode.ROW_EXCLUSIVE)

    @property
    def who_waits(self) -> str:
        """The clients that wait, as the object of a sentence: "reads and writes", "writes"."""
        if self.blocks_reads:
            return "reads and writes"
        if self.blocks_writes:
            return "writes"
        if self.conflicts_with(LockMode.SHARE_UPDATE_EXCLUSIVE):
            return "other schema changes and VACUUM"
        if self.conflicts_with(LockMode.EXCLUSIVE):
            return "sessions that lock the whole table"
        return "statements that need ACCESS EXCLUSIVE"

    @classmethod
    def strongest(cls, modes: list[LockMode]) -> LockMode:
        """The strongest of some modes.

        Raises:
            ValueError: ``modes`` is empty.

        """
        return max(modes, key=lambda mode: mode.rank)

    @classmethod
    def from_pg_locks(cls, mode: str) -> LockMode:
        """The mode that ``pg_locks.mode`` calls, for instance, ``AccessExclusiveLock``.

        Raises:
            KeyError: not a table-level lock mode (``SIReadLock``).

        """
        return _PG_LOCKS[mode]


_RANKS = {mode: rank for rank, mode in enumerate(LockMode)}

_PG_LOCKS = {"".join(mode.value.title().split()) + "Lock": mode for mode in LockMode}

_CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    LockMode.ACCESS_SHARE: frozenset({LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_SHARE: frozenset({LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_EXCLUSIVE: frozenset(
        {
            LockMode.SHARE,
            LockMode.SHARE_ROW_EXCLUSIVE,
            LockMode.EXCLUSIVE,
            LockMode.ACCESS_EXCLUSIVE,
        }
    ),
    LockMode.SHARE_UPDATE_EXCLUSIVE: frozenset(
        {
            LockMode.SHARE_UPDATE_EXCLUSIVE,
            LockMode.SHARE,
            LockMode.SHARE_ROW_EXCLUSIVE,
            LockMode.EXCLUSIVE,
            LockMode.ACCESS_EXCLUSIVE,
        }
    ),
    LockMode.SHARE: frozenset(LockMode)
    - {LockMode.ACCESS_SHARE, LockMode.ROW_SHARE, LockMode.SHARE},
    LockMode.SHARE_ROW_EXCLUSIVE: frozenset(LockMode) - {LockMode.ACCESS_SHARE, LockMode.ROW_SHARE},
    LockMode.EXCLUSIVE: frozenset(LockMode) - {LockMode.ACCESS_SHARE},
    LockMode.ACCESS_EXCLUSIVE: frozenset(LockMode),
}
