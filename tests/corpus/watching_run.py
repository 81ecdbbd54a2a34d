"""Runs a history with real Alembic, one revision at a time, and prints what each did as JSON.

A program of its own: ``python watching_run.py ALEMBIC_INI REVISION...``; env.py must use psycopg.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from alembic_proof.gate.observe import Evidence, effects_between, take_evidence
from alembic_proof.locks import LockMode


class Watch:
    """Takes evidence around every statement, and keeps the tables that were there at the start."""

    def __init__(self) -> None:
        self.start: Evidence | None = None
        self.before: Evidence | None = None
        self.locks: dict[int, LockMode] = {}
        self.seen: list[tuple[int, str, int, str]] = []
        self._asking = False

    def before_statement(self, connection: sa.Connection, *_: object) -> None:
        if not self._asking:
            self.before = self._evidence(connection)
            self.start = self.start or self.before

    def after_statement(self, connection: sa.Connection, *_: object) -> None:
        if self._asking or self.before is None or self.start is None:
            return
        after = self._evidence(connection)
        oids = {relation.name: oid for oid, relation in self.before.relations.items()}
        for effect in effects_between(self.before, after):
            oid = oids[effect.table]
            if oid in self.start.relations:
                self.seen.append((oid, effect.lock.value, effect.work.rank, effect.work.value))

    def summary(self) -> dict[str, list[str]]:
        """Table → strongest lock, and the heaviest work that was done while it was held."""
        found: dict[str, list[str]] = {}
        if self.start is None:
            return found
        for oid in {oid for oid, *_ in self.seen}:
            mine = [(LockMode(lock), rank, work) for o, lock, rank, work in self.seen if o == oid]
            strongest = LockMode.strongest([lock for lock, *_ in mine])
            work = max((rank, work) for lock, rank, work in mine if lock is strongest)[1]
            found[str(self.start.relations[oid].name)] = [strongest.value, work]
        return found

    def _evidence(self, connection: sa.Connection) -> Evidence:
        raw: Any = connection.connection.dbapi_connection
        assert isinstance(raw, psycopg.Connection)
        self._asking = True
        try:
            return take_evidence(raw)
        finally:
            self._asking = False


def main() -> None:
    config = Config(sys.argv[1])
    seen: dict[str, dict[str, list[str]]] = {}
    for revision in sys.argv[2:]:
        watch = Watch()
        sa.event.listen(sa.Engine, "before_cursor_execute", watch.before_statement)
        sa.event.listen(sa.Engine, "after_cursor_execute", watch.after_statement)
        try:
            command.upgrade(config, revision)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", watch.before_statement)
            sa.event.remove(sa.Engine, "after_cursor_execute", watch.after_statement)
        seen[revision] = watch.summary()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
