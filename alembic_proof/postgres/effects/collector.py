"""Owns how the effects of one operation add up: one entry per table, the heaviest of each."""

from __future__ import annotations

from collections.abc import Iterable

from alembic_proof.effects import DataFailure, DataLoss, Effects, TableEffect, Work
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.schema_model import SchemaModel


class Collector:
    """Gathers the effects of one operation on the schema it finds.

    The functions of this package fill it; ``schema`` and ``version`` are what they may ask.
    """

    def __init__(self, schema: SchemaModel, version: int) -> None:
        self.schema = schema
        self.version = version
        self.outside_transaction = False
        self._tables: dict[Name, TableEffect] = {}
        self._failures: list[DataFailure] = []
        self._losses: list[DataLoss] = []
        self._unknown: list[str] = []

    def touch(self, table: Name, lock: LockMode, work: Work = Work.CATALOG, why: str = "") -> None:
        """Add a lock and the work done under it to what is known for one relation."""
        held = self._tables.get(table)
        if held is None:
            self._tables[table] = TableEffect(table, lock, work, why)
            return
        heavier = work.rank > held.work.rank
        stronger = lock.rank > held.lock.rank
        self._tables[table] = TableEffect(
            table,
            lock if stronger else held.lock,
            work if heavier else held.work,
            why if heavier or (stronger and work is held.work) or not held.why else held.why,
        )

    def touch_tree(
        self, table: Name, lock: LockMode, work: Work = Work.CATALOG, why: str = ""
    ) -> None:
        """Add the same for a table and everything that inherits from it.

        A partitioned table has no storage of its own: the work is done on its partitions.
        """
        for member in (table, *self.schema.descendants(table)):
            self.touch(member, lock, self.own_work(member, work), why)

    def read(self, relations: Iterable[Name], lock: LockMode, work: Work, why: str = "") -> None:
        """Add a query: views are locked as well as the tables behind them."""
        for relation in relations:
            for member in self.schema.query_relations(relation):
                state = self.schema.table(member)
                if state is not None and state.kind == "view":
                    self.touch(member, lock, Work.CATALOG, why)
                else:
                    self.touch_tree(member, lock, work, why)

    def fail(self, sqlstate: str, condition: str) -> None:
        """Add a way to fail on existing rows; ``condition`` completes "fails if …"."""
        failure = DataFailure(sqlstate, condition)
        if failure not in self._failures:
            self._failures.append(failure)

    def lose(self, table: Name, what: str) -> None:
        """Add data that is gone afterwards; ``what`` completes "loses …"."""
        self._losses.append(DataLoss(table, what))

    def doubt(self, reason: str) -> None:
        """Say what is not known."""
        if reason not in self._unknown:
            self._unknown.append(reason)

    def result(self) -> Effects:
        """Everything gathered."""
        return Effects(
            tables=tuple(self._tables.values()),
            failures=tuple(self._failures),
            losses=tuple(self._losses),
            outside_transaction=self.outside_transaction,
            unknown="; ".join(self._unknown),
        )

    def own_work(self, table: Name, work: Work) -> Work:
        """The work that is done on the storage of one table: none if it is partitioned."""
        state = self.schema.table(table)
        return Work.CATALOG if state is not None and state.partitioned else work
