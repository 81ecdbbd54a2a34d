"""The lock table against the manual and against a server."""

from __future__ import annotations

import pytest

from alembic_proof.locks import LockMode


def test_pg_locks_names_are_understood() -> None:
    assert LockMode.from_pg_locks("ShareUpdateExclusiveLock") is LockMode.SHARE_UPDATE_EXCLUSIVE
    with pytest.raises(KeyError):
        LockMode.from_pg_locks("SIReadLock")


def test_conflicts_are_symmetric() -> None:
    for one in LockMode:
        for other in LockMode:
            assert one.conflicts_with(other) == other.conflicts_with(one)


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [
        (LockMode.ROW_EXCLUSIVE, False, False),
        (LockMode.SHARE_UPDATE_EXCLUSIVE, False, False),
        (LockMode.SHARE, False, True),
        (LockMode.SHARE_ROW_EXCLUSIVE, False, True),
        (LockMode.EXCLUSIVE, False, True),
        (LockMode.ACCESS_EXCLUSIVE, True, True),
    ],
)
def test_who_is_blocked(mode: LockMode, reads: bool, writes: bool) -> None:
    assert (mode.blocks_reads, mode.blocks_writes) == (reads, writes)


def test_strongest_is_by_strength_not_by_name() -> None:
    assert LockMode.strongest([LockMode.SHARE, LockMode.ACCESS_SHARE]) is LockMode.SHARE
