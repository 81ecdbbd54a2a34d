"""Owns the vocabulary shared by prediction and observation: what an operation does to each table.

``postgres/effects.py`` predicts these values, ``gate/observe.py`` measures them; nothing here
knows how either is done.
"""

from __future__ import annotations

import enum

import msgspec

from alembic_proof.locks import LockMode
from alembic_proof.objects import Name


class Work(enum.StrEnum):
    """What PostgreSQL does to a table's storage while it holds the lock, lightest first.

    ``CATALOG`` changes catalogue rows only; ``ROWS`` changes or reads rows that it finds by key;
    ``SCAN`` reads every row; ``INDEX_BUILD`` makes or rebuilds at least one index; ``REWRITE``
    copies the table to new storage (and so rebuilds its indexes too).
    """

    CATALOG = "catalog"
    ROWS = "rows"
    SCAN = "scan"
    INDEX_BUILD = "index build"
    REWRITE = "rewrite"

    @property
    def rank(self) -> int:
        """Place in the order of weight, 0 for CATALOG to 4 for REWRITE."""
        return _RANKS[self]

    @property
    def grows_with_table(self) -> bool:
        """Whether the time it takes grows with the number of rows in the table."""
        return self.rank >= Work.SCAN.rank

    @property
    def prose(self) -> str:
        """The work as a clause about "the table": "every row is read"."""
        return _PROSE[self]


_RANKS = {work: rank for rank, work in enumerate(Work)}
_PROSE = {
    Work.CATALOG: "only the catalogue is changed",
    Work.ROWS: "rows are changed",
    Work.SCAN: "every row is read",
    Work.INDEX_BUILD: "an index is built from every row",
    Work.REWRITE: "the whole table is rewritten",
}


class TableEffect(msgspec.Struct, frozen=True):
    """What one operation does to one table.

    ``lock`` is the strongest lock that it takes there and ``work`` the heaviest work it does under
    that lock. ``why`` is a clause that names the cause ("the new CHECK is validated").
    """

    table: Name
    lock: LockMode
    work: Work = Work.CATALOG
    why: str = ""


class DataFailure(msgspec.Struct, frozen=True):
    """A way in which an operation fails on rows that may exist already.

    ``sqlstate`` is the five-character code PostgreSQL raises; ``condition`` completes "fails if …".
    """

    sqlstate: str
    condition: str


class DataLoss(msgspec.Struct, frozen=True):
    """Data that is gone after the operation and that no downgrade can bring back.

    ``what`` completes "loses …", for instance "every value of orders.note".
    """

    table: Name
    what: str


class Effects(msgspec.Struct, frozen=True):
    """Everything one operation does, as far as it is known.

    ``tables`` names each affected table once. ``outside_transaction`` is true where PostgreSQL
    refuses the statement inside a transaction block. ``unknown`` says why the rest cannot be told;
    empty when the effects are complete.
    """

    tables: tuple[TableEffect, ...] = ()
    failures: tuple[DataFailure, ...] = ()
    losses: tuple[DataLoss, ...] = ()
    outside_transaction: bool = False
    unknown: str = ""

    def on(self, table: Name) -> TableEffect | None:
        """The effect on one table, or None if the operation leaves it alone."""
        return next((effect for effect in self.tables if effect.table == table), None)
