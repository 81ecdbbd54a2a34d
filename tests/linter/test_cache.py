"""The cache gives back what was read, and never what is out of date."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from alembic_proof.history import Revision
from alembic_proof.linter.cache import FOLDER, MISS, FileState, RevisionCache
from alembic_proof.objects import Name
from alembic_proof.operations import DropTable, Procedure, Step

LONG_AGO = 1_000_000_000


def file(folder: Path, name: str = "a.py", text: str = "one") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def age(path: Path) -> None:
    """Give a file an old modification time, so that its time stamps alone can vouch for it."""
    os.utime(path, (LONG_AGO, LONG_AGO))


def revision(name: str = "a") -> Revision:
    step = Step(operation=DropTable(table=Name("orders")), line=3)
    return Revision(id=name, path=f"{name}.py", upgrade=Procedure(line=2, steps=(step,)))


def store(root: Path, path: Path, *dependencies: Path, version: str = "1") -> None:
    cache = RevisionCache.open(root, version)
    cache.put(path, revision(path.stem), dependencies)
    cache.save()


def cached(root: Path, path: Path, version: str = "1") -> object:
    return RevisionCache.open(root, version).get(path)


def test_what_was_read_comes_back(tmp_path: Path) -> None:
    path = file(tmp_path)
    assert cached(tmp_path, path) is MISS
    store(tmp_path, path)
    assert cached(tmp_path, path) == revision()


def test_a_file_without_revision_is_remembered(tmp_path: Path) -> None:
    path = file(tmp_path)
    cache = RevisionCache.open(tmp_path, "1")
    cache.put(path, None)
    cache.save()
    assert cached(tmp_path, path) is None


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = file(tmp_path)
    store(tmp_path, path)
    path.write_text("two")
    assert cached(tmp_path, path) is MISS


def test_a_change_within_one_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    path = file(tmp_path)
    before = path.stat()
    store(tmp_path, path)
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cached(tmp_path, path) is MISS


def test_a_touched_file_is_not_read_again(tmp_path: Path) -> None:
    path = file(tmp_path)
    store(tmp_path, path)
    age(path)
    assert cached(tmp_path, path) == revision()


def test_a_moved_project_keeps_its_cache(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    store(tmp_path / "old", file(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    assert cached(tmp_path / "new", tmp_path / "new/a.py") == revision()


def test_another_version_discards_it(tmp_path: Path) -> None:
    path = file(tmp_path)
    store(tmp_path, path)
    assert cached(tmp_path, path, version="2") is MISS


@pytest.mark.parametrize("inside", [True, False])
def test_dependencies(inside: bool, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    path = file(root)
    helper = file(root if inside else tmp_path, "helper.py")
    store(root, path, helper)
    assert cached(root, path) == revision()
    helper.write_text("two")
    assert cached(root, path) is MISS
    helper.unlink()
    assert cached(root, path) is MISS


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = file(tmp_path)
    cache = RevisionCache.open(tmp_path, "1")
    assert cache.get(path) is MISS
    path.write_text("two")
    cache.put(path, revision())
    cache.save()
    assert cached(tmp_path, path) is MISS


def test_a_dependency_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path, helper = file(tmp_path), file(tmp_path, "helper.py")
    cache = RevisionCache.open(tmp_path, "1")
    while helper.stat().st_ctime_ns <= path.stat().st_ctime_ns + 20_000_000:
        helper.write_text("two")
    cache.put(path, revision(), [helper])
    cache.save()
    assert cached(tmp_path, path) is MISS


def test_a_dependency_that_appears(tmp_path: Path) -> None:
    path = file(tmp_path)
    store(tmp_path, path, tmp_path / "helper.py")
    assert cached(tmp_path, path) == revision()
    file(tmp_path, "helper.py")
    assert cached(tmp_path, path) is MISS


def test_time_stamps_vouch_only_for_files_that_were_old_when_hashed(tmp_path: Path) -> None:
    status = file(tmp_path).stat()
    second = 1_000_000_000
    assert FileState.of(status, status.st_ctime_ns + 3 * second, b"x").still_holds(status)
    assert not FileState.of(status, status.st_ctime_ns + second, b"x").still_holds(status)


def test_time_stamps_vouch_for_no_other_file(tmp_path: Path) -> None:
    one, two = file(tmp_path).stat(), file(tmp_path, "b.py").stat()
    assert not FileState.of(one, one.st_ctime_ns * 2, b"x").still_holds(two)


def cache_file(root: Path) -> Path:
    return next((root / FOLDER).glob("*.msgpack"))


@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_a_damaged_cache_is_an_empty_one(damage: bytes | None, tmp_path: Path) -> None:
    path = file(tmp_path)
    store(tmp_path, path)
    data = cache_file(tmp_path).read_bytes()
    cache_file(tmp_path).write_bytes(data[:-9] if damage is None else damage)
    assert cached(tmp_path, path) is MISS
    store(tmp_path, path)
    assert cached(tmp_path, path) == revision()


def test_one_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = file(tmp_path)
    store(tmp_path, path)
    data = bytearray(cache_file(tmp_path).read_bytes())
    data[data.index(b"orders")] ^= 1
    cache_file(tmp_path).write_bytes(data)
    assert cached(tmp_path, path) is MISS


def test_entries_of_files_that_are_gone_are_dropped(tmp_path: Path) -> None:
    gone = file(tmp_path, "gone.py")
    store(tmp_path, gone)
    gone.unlink()
    store(tmp_path, file(tmp_path))
    assert b"gone.py" not in cache_file(tmp_path).read_bytes()
    assert cached(tmp_path, tmp_path / "a.py") == revision()


def test_entries_of_another_project_with_the_same_root_stay(tmp_path: Path) -> None:
    a, b = file(tmp_path, "a.py"), file(tmp_path, "b.py")
    store(tmp_path, a)
    store(tmp_path, b)
    assert (cached(tmp_path, a), cached(tmp_path, b)) == (revision("a"), revision("b"))


def test_git_ignores_it(tmp_path: Path) -> None:
    store(tmp_path, file(tmp_path))
    assert (tmp_path / FOLDER / ".gitignore").read_text() == "*\n"


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    path = file(tmp_path)
    store(tmp_path, path)
    cache_file(tmp_path).unlink()
    RevisionCache.open(tmp_path, "1").save()
    assert not list((tmp_path / FOLDER).glob("*.msgpack"))


def test_where_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file is in the way")
    path = file(tmp_path)
    store(tmp_path, path)
    assert cached(tmp_path, path) is MISS


def test_concurrent_runs_leave_a_whole_cache(tmp_path: Path) -> None:
    paths = [file(tmp_path, f"{number}.py") for number in range(4)]

    def run(path: Path) -> None:
        for _ in range(10):
            store(tmp_path, path)

    threads = [threading.Thread(target=run, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(cached(tmp_path, path) is not MISS for path in paths)
    assert {item.name for item in (tmp_path / FOLDER).iterdir()} == {
        ".gitignore",
        cache_file(tmp_path).name,
    }
