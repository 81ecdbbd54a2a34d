"""Owns the processes that read revision files side by side."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from pathlib import Path

import msgspec

from alembic_proof.errors import SourceError
from alembic_proof.history import Revision
from alembic_proof.linter.reading import ReadFile, read_one

_CHUNK = 12
"""Files that a process reads before it reports."""
_DECODER = msgspec.msgpack.Decoder(Revision | None)


def read_in_processes(files: Sequence[Path], root: Path) -> Iterator[ReadFile]:
    """What came of each file, in order; the files are read by a process for each processor.

    A file that ends the process which reads it is an error, and the last result.
    """
    chunks = [files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)]
    workers = min(os.cpu_count() or 1, len(chunks))
    executor = ProcessPoolExecutor(workers, _start_method(), _become_worker)
    try:
        futures = [executor.submit(_read_chunk, chunk, root) for chunk in chunks]
        for done, future in enumerate(futures):
            try:
                yield from _decoded(future.result())
            except BrokenProcessPool:
                yield from _read_until_death(
                    [path for chunk in chunks[done:] for path in chunk], root
                )
                return
    finally:
        executor.shutdown(cancel_futures=True)


def _read_until_death(files: Sequence[Path], root: Path) -> Iterator[ReadFile]:
    """Read one file at a time in another process, to learn which of them ends the process."""
    with ProcessPoolExecutor(1, _start_method(), _become_worker) as executor:
        for path in files:
            try:
                yield from _decoded(executor.submit(_read_chunk, [path], root).result())
            except BrokenProcessPool:
                error = SourceError(
                    f"{path}: the process that reads it died",
                    hint="it may have run out of memory, or the file may be extraordinarily large",
                )
                yield ReadFile(path, error=error)
                return


def _read_chunk(files: Sequence[Path], root: Path) -> list[tuple[bytes, ReadFile]]:
    """What a worker sends back: revisions as MessagePack, which is faster than pickling them."""
    results = [read_one(path, root) for path in files]
    return [
        (msgspec.msgpack.encode(result.revision), result._replace(revision=None))
        for result in results
    ]


def _decoded(answers: Sequence[tuple[bytes, ReadFile]]) -> Iterator[ReadFile]:
    return (result._replace(revision=_DECODER.decode(data)) for data, result in answers)


def _start_method() -> BaseContext:
    """Fork where it is safe: workers then share what is imported already."""
    if sys.platform == "linux" and threading.active_count() == 1:
        from alembic_proof.linter.python import reader  # noqa: F401 - imported once, before the fork

        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def _become_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow(sentinel: int) -> None:
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=follow, args=(parent.sentinel,), daemon=True).start()
