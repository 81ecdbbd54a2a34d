"""Owns reading many revision files: from the cache where it holds, else in several processes.

The reader, and what starts processes, is imported only when there is a file to read, so that a run in
which everything is cached starts fast.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from alembic_proof.errors import SourceError
from alembic_proof.history import Revision
from alembic_proof.linter.cache import MISS, RevisionCache

_ALONE_UP_TO = 40
"""How many files are read in this process: starting others costs more than they save."""
_LISTED_ERRORS = 5


def read_all(
    files: Sequence[Path], root: Path, cache: RevisionCache | None = None
) -> list[Revision]:
    """The revisions in these files, in their order; files that are no revision are left out.

    ``root`` is the project's folder. The cache is brought up to date and saved.

    Raises:
        SourceError: files cannot be read; the message lists the first of them.

    """
    revisions: dict[Path, Revision | None] = {}
    missing: list[Path] = []
    for path in files:
        hit = cache.get(path) if cache is not None else MISS
        if hit is MISS:
            missing.append(path)
        else:
            revisions[path] = hit
    errors: list[SourceError] = []
    for result in _read(missing, root):
        if result.error is not None:
            errors.append(result.error)
            continue
        revisions[result.path] = result.revision
        if cache is not None:
            cache.put(result.path, result.revision, result.dependencies)
    if cache is not None:
        cache.save()
    if errors:
        raise _summary(errors)
    return [revision for path in files if (revision := revisions[path]) is not None]


class ReadFile(NamedTuple):
    """What came of one file: a revision or none, and the other files consulted; or an error."""

    path: Path
    revision: Revision | None = None
    dependencies: tuple[Path, ...] = ()
    error: SourceError | None = None


def _read(files: Sequence[Path], root: Path) -> Iterator[ReadFile]:
    if len(files) <= _ALONE_UP_TO or os.cpu_count() == 1:
        return (read_one(path, root) for path in files)
    from alembic_proof.linter.worker_pool import read_in_processes

    return read_in_processes(files, root)


def read_one(path: Path, root: Path) -> ReadFile:
    """Read one file in this process."""
    from alembic_proof.linter.python.reader import read_revision_with_dependencies

    try:
        revision, dependencies = read_revision_with_dependencies(path, root=root)
    except SourceError as error:
        return ReadFile(path, error=error)
    return ReadFile(path, revision, dependencies)


def _summary(errors: Sequence[SourceError]) -> SourceError:
    if len(errors) == 1:
        return errors[0]
    shown = "; ".join(error.message for error in errors[:_LISTED_ERRORS])
    more = f"; and {len(errors) - _LISTED_ERRORS} more" if len(errors) > _LISTED_ERRORS else ""
    return SourceError(
        f"{len(errors)} revision files cannot be read: {shown}{more}", hint=errors[0].hint
    )
