"""Owns which PostgreSQL majors are supported and from which major a form of DDL behaves otherwise.

Source of each number: the release notes of that major where they tell, else the oldest major on which
it was observed: the tests execute 15 and 18.
"""

from __future__ import annotations

from typing import Final

OLDEST: Final = 12
NEWEST: Final = 18
SUPPORTED: Final = range(OLDEST, NEWEST + 1)

REINDEX_PARTITIONED: Final = 14
"""REINDEX accepts partitioned tables and indexes; it commits after each partition."""

ADD_CONSTRAINT_LOCKS_TREE: Final = 18
"""ADD CONSTRAINT takes the lock of the parent on every partition; UNIQUE took SHARE there before."""

GRANT_LOCKS: Final = 18
"""GRANT and REVOKE take ACCESS SHARE on the tables they name."""
