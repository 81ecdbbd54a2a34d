"""Owns the snapshot: everything the catalogue says about a database at one moment.

Left out are PostgreSQL's own schema names, whatever belongs to an extension, and Alembic's version
table. What differs between two snapshots is the business of ``difference``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
import psycopg
from psycopg.rows import TupleRow

from alembic_proof.gate.snapshot_queries import questions, settings_sql

Value = str | int | bool | tuple[str | int, ...]
"""What a property can be; lists are ordered where PostgreSQL gives them an order."""


_Row = tuple[str, str, tuple[tuple[str, str], ...], dict[str, Value]]
_rows = msgspec.json.Decoder(list[_Row])


class ObjectId(msgspec.Struct, frozen=True, order=True):
    """An object by its kind and name, within the objects that it is part of, outermost first."""

    path: tuple[tuple[str, str], ...]

    @property
    def kind(self) -> str:
        """What it is: ``table``, ``column``, ``index`` …."""
        return self.path[-1][0]

    @property
    def name(self) -> str:
        """Its own name, quoted where SQL needs it; the schema name ``public`` is left out."""
        return self.path[-1][1]

    @property
    def parents(self) -> Iterator[ObjectId]:
        """What it is part of, outermost first."""
        return (ObjectId(self.path[:length]) for length in range(1, len(self.path)))

    def __str__(self) -> str:
        return ": ".join(f"{kind} {name}" for kind, name in self.path)

    @classmethod
    def of(cls, *path: tuple[str, str]) -> ObjectId:
        """The object at the end of a path of kinds and names."""
        return cls(path)


class Snapshot(Mapping[ObjectId, Mapping[str, Value]]):
    """What the catalogue said: for each object its properties; cannot be changed."""

    def __init__(self, objects: Mapping[ObjectId, Mapping[str, Value]]) -> None:
        self._objects = MappingProxyType(dict(objects))

    def __getitem__(self, key: ObjectId) -> Mapping[str, Value]:
        return self._objects[key]

    def __iter__(self) -> Iterator[ObjectId]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def __hash__(self) -> int:
        return hash(frozenset(self._objects))


class SnapshotReader:
    """Reads snapshots over one connection, whose session it makes its own."""

    def __init__(self, connection: psycopg.Connection[TupleRow]) -> None:
        """Prepare the session; ``connection`` must be in autocommit mode.

        The questions are prepared once, because planning them takes longer than answering them.
        """
        self._connection = connection
        texts = [question.sql() for question in questions(connection.info.server_version // 10_000)]
        prepare = [f"PREPARE snapshot_{number} AS {text}" for number, text in enumerate(texts)]
        self._ask = "; ".join(f"EXECUTE snapshot_{number}" for number in range(len(texts))).encode()
        connection.execute("; ".join((settings_sql(), *prepare)).encode())

    def read(self, *, ignored: Sequence[ObjectId] = ()) -> Snapshot:
        """Read everything in one round trip; ``ignored`` objects and their parts are left out."""
        rows: list[_Row] = []
        cursor = self._connection.execute(self._ask)
        more: bool | None = True
        while more:
            rows += _rows.decode(cursor.fetchall()[0][0])
            more = cursor.nextset()
        left_out = {object_id.path for object_id in ignored}
        objects = {}
        for kind, name, parents, properties in rows:
            path = (*parents, (kind, name))
            if left_out and any(path[:length] in left_out for length in range(1, len(path) + 1)):
                continue
            objects[ObjectId(path)] = properties
        return Snapshot(objects)
