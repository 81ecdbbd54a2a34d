"""Owns the cache of what the reader made of revision files, kept in a folder inside the project.

An entry holds as long as the bytes of the revision file, the bytes of every other file the reader
consulted, this package's reading code and the minor version of Python are the same. A file's bytes
are not hashed again while the file system says it is untouched since they were. The cache is an
optimization only: whatever goes wrong with it means that files are read anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Final, Literal

import msgspec

from alembic_proof.history import Revision

FOLDER = ".alembic_proof_cache"
_FILE = "revisions.msgpack"
_CHECKSUM_BYTES = 16
# A file may be written twice within one tick of the file system's clock (2 s on FAT, less elsewhere),
# so a time stamp says "untouched" only when it is older than that at the moment of hashing.
_CLOCK_TICK_NS = 2_000_000_000
_READING_PACKAGES = ("libcst", "sqlglot", "msgspec")


class _Miss(Enum):
    MISS = "miss"


MISS: Final = _Miss.MISS
"""What :meth:`RevisionCache.get` returns when a file has to be read; None is a file without revision."""


class FileState(msgspec.Struct, frozen=True, array_like=True):
    """A file as last hashed: what ``stat`` said, when, and the digest (empty: no such file)."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int
    hashed_ns: int
    digest: bytes

    @classmethod
    def of(cls, status: os.stat_result, hashed_ns: int, digest: bytes) -> FileState:
        """A file with this status whose hashing began at this time (nanoseconds since 1970)."""
        return cls(
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            hashed_ns,
            digest,
        )

    def still_holds(self, status: os.stat_result) -> bool:
        """Whether the file cannot have changed since it was hashed."""
        return (
            self.size == status.st_size
            and self.modified_ns == status.st_mtime_ns
            and self.changed_ns == status.st_ctime_ns
            and self.inode == status.st_ino
            and max(self.modified_ns, self.changed_ns) + _CLOCK_TICK_NS < self.hashed_ns
        )


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    digest: bytes
    dependencies: tuple[tuple[str, bytes], ...]
    revision: Revision | None


class _Content(msgspec.Struct, frozen=True):
    version: str
    files: dict[str, FileState]
    entries: dict[str, _Entry]


class RevisionCache:
    """What earlier runs read, for one project.

    Use :meth:`open`; a cache that cannot be read is an empty one.
    """

    def __init__(self, root: Path, version: str, content: _Content) -> None:
        self._root = str(root)
        self._version = version
        self._files = content.files
        self._entries = content.entries
        self._current: dict[str, bytes] = {}
        self._changed = False
        self._opened_ns = time.time_ns()

    @classmethod
    def open(cls, root: Path, version: str) -> RevisionCache:
        """The cache of the project at ``root``; entries of another ``version`` are discarded.

        ``version`` is that of the package; the state of its code, of the parsers and of Python are
        taken into account here.
        """
        complete = f"{version} {_reading_code()}"
        return cls(root, complete, _load(root / FOLDER / _FILE, complete))

    def get(self, path: Path) -> Revision | Literal[_Miss.MISS] | None:
        """What was read from this file, if nothing it depended on has changed; else ``MISS``."""
        name = self._name(path)
        digest = self._digest(name)  # also of a file that is now going to be read: it may change
        entry = self._entries.get(name)
        if entry is None or digest != entry.digest:
            return MISS
        if any(self._digest(other) != digest for other, digest in entry.dependencies):
            return MISS
        return entry.revision

    def put(self, path: Path, revision: Revision | None, dependencies: Iterable[Path] = ()) -> None:
        """Remember what was read from a file, and the other files that were consulted for it.

        A dependency may be a file that does not exist: the entry ends when it appears. Nothing is
        remembered when a dependency has changed since the cache was opened, as it may have been
        read before or after that.
        """
        name = self._name(path)
        others = sorted({self._name(other) for other in dependencies} - {name})
        if any(self._has_just_changed(other) for other in others):
            return
        self._entries[name] = _Entry(
            self._digest(name), tuple((other, self._digest(other)) for other in others), revision
        )
        self._changed = True

    def save(self) -> None:
        """Write the cache if there is something new, without the entries of files that are gone.

        Nothing happens where the folder cannot be written.
        """
        if not self._changed:
            return
        self._prune()
        content = _Content(self._version, self._files, self._entries)
        # A lone surrogate in a revision's text has no encoding: such a history is read every time.
        with contextlib.suppress(OSError, UnicodeEncodeError):
            data = msgspec.msgpack.encode(content)
            _replace(Path(self._root, FOLDER), _checksum(data) + data)
            self._changed = False

    def _has_just_changed(self, name: str) -> bool:
        self._digest(name)
        seen = self._files.get(name)
        return seen is not None and seen.changed_ns > self._opened_ns

    def _prune(self) -> None:
        for name in [name for name in self._entries if self._digest(name) == b""]:
            del self._entries[name]
        used = set(self._entries)
        for entry in self._entries.values():
            used.update(other for other, _ in entry.dependencies)
        self._files = {name: seen for name, seen in self._files.items() if name in used}

    def _name(self, path: Path) -> str:
        """The path relative to the project where it lies inside, so that the project may move."""
        full = str(path)
        inside = self._root.rstrip(os.sep) + os.sep
        return full[len(inside) :] if full.startswith(inside) else full

    def _digest(self, name: str) -> bytes:
        """The digest of a file as it is now; empty when there is none."""
        known = self._current.get(name)
        if known is None:
            known = self._current[name] = self._look(name)
        return known

    def _look(self, name: str) -> bytes:
        # os.path, not Path: a warm run asks this a thousand times and has milliseconds for it
        full = os.path.join(self._root, name)  # noqa: PTH118
        now = time.time_ns()
        try:
            status = os.stat(full)  # noqa: PTH116
            seen = self._files.get(name)
            if seen is not None and seen.still_holds(status):
                return seen.digest
            with open(full, "rb") as file:  # noqa: PTH123
                digest = hashlib.sha256(file.read()).digest()
        except OSError:
            return b""
        self._files[name] = FileState.of(status, now, digest)
        self._changed = True
        return digest


def _load(file: Path, version: str) -> _Content:
    try:
        data = file.read_bytes()
        checksum, body = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
        if checksum == _checksum(body):
            content = msgspec.msgpack.decode(body, type=_Content)
            if content.version == version:
                return content
    except (OSError, msgspec.MsgspecError):
        pass
    return _Content(version, {}, {})


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_CHECKSUM_BYTES).digest()


def _replace(folder: Path, data: bytes) -> None:
    """Put the file in place whole, so that concurrent runs see the old one or the new one."""
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".revisions-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, folder / _FILE)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise


def _reading_code() -> str:
    """Changes with the code that reads revisions: ours, the parsers', Python's minor version."""
    package = Path(__file__).parent.parent
    ours = [*package.glob("*.py"), *package.glob("linter/**/*.py"), *package.glob("postgres/*.py")]
    specs = (importlib.util.find_spec(name) for name in _READING_PACKAGES)
    theirs = [Path(spec.origin) for spec in specs if spec is not None and spec.origin]
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for file in [*sorted(ours), *theirs]:
        status = file.stat()
        digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns};".encode())
    return digest.hexdigest()
