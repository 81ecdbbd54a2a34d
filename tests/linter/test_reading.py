"""Many files are read in order, in parallel, once; and what cannot be read is said together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from alembic_proof.errors import SourceError
from alembic_proof.linter.cache import MISS, RevisionCache
from alembic_proof.linter.reading import read_all


def write(root: Path, number: int, body: str = 'op.drop_table("t")') -> Path:
    path = root / f"{number:04}.py"
    parent = f'"{number - 1:04}"' if number else None
    path.write_text(
        f'from alembic import op\n\nrevision = "{number:04}"\ndown_revision = {parent}\n\n\n'
        f"def upgrade():\n    {body}\n\n\ndef downgrade():\n    pass\n"
    )
    return path


def read(root: Path, files: Sequence[Path]) -> list[str]:
    cache = RevisionCache.open(root, "1")
    return [revision.id for revision in read_all(files, root, cache)]


@pytest.mark.parametrize("count", [3, 60])
def test_order_and_cache(count: int, tmp_path: Path) -> None:
    files = [write(tmp_path, number) for number in reversed(range(count))]
    helper = tmp_path / "helpers.py"
    helper.write_text("SIZE = 3\n")
    expected = [path.stem for path in files]
    assert read(tmp_path, [*files, helper]) == expected
    cache = RevisionCache.open(tmp_path, "1")
    assert all(cache.get(path) is not MISS for path in files)
    assert cache.get(helper) is None
    assert read(tmp_path, files) == expected


@pytest.mark.parametrize("count", [3, 60])
def test_all_that_cannot_be_read_is_said_at_once(count: int, tmp_path: Path) -> None:
    files = [write(tmp_path, number) for number in range(count)]
    for path in (files[1], files[-1]):
        path.write_text("def upgrade(:\n")
    with pytest.raises(SourceError, match="2 revision files cannot be read") as raised:
        read(tmp_path, files)
    assert files[1].name in raised.value.message
    assert files[-1].name in raised.value.message
    assert RevisionCache.open(tmp_path, "1").get(files[0]) is not MISS


def test_only_the_first_errors_are_spelled_out(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.py" for number in range(7)]
    for path in files:
        path.write_text("def upgrade(:\n")
    with pytest.raises(SourceError, match="and 2 more"):
        read(tmp_path, files)


def test_one_error_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def upgrade(:\n")
    with pytest.raises(SourceError, match=r"a\.py") as raised:
        read_all([path], tmp_path)
    assert "cannot be read:" not in raised.value.message


def test_a_changed_helper_is_noticed(tmp_path: Path) -> None:
    helper = tmp_path / "names.py"
    helper.write_text('TABLE = "one"\n')
    path = write(tmp_path, 0, "from names import TABLE; op.drop_table(TABLE)")
    first = read_all([path], tmp_path, RevisionCache.open(tmp_path, "1"))
    helper.write_text('TABLE = "two"\n')
    second = read_all([path], tmp_path, RevisionCache.open(tmp_path, "1"))
    assert ("one" in str(first), "two" in str(second)) == (True, True)


def test_the_reader_is_not_imported_when_all_is_cached(tmp_path: Path) -> None:
    files = [write(tmp_path, number) for number in range(2)]
    read(tmp_path, files)
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from alembic_proof.linter.cache import RevisionCache\n"
        "from alembic_proof.linter.reading import read_all\n"
        "root, *files = map(Path, sys.argv[1:])\n"
        "found = read_all(files, root, RevisionCache.open(root, '1'))\n"
        "print(json.dumps([len(found), [name for name in ('libcst', 'sqlglot') if name in sys.modules]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *map(str, files)],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert json.loads(done.stdout) == [2, []]


DYING_READER = """\
import os
import sys
from pathlib import Path

from alembic_proof.errors import SourceError
from alembic_proof.linter import reading
from alembic_proof.linter.python import reader

real = reader.read_revision_with_dependencies


def dying(path, *, root):
    if path.name == "0042.py":
        os._exit(9)
    return real(path, root=root)


reader.read_revision_with_dependencies = dying
if __name__ == "__main__":
    try:
        reading.read_all([Path(name) for name in sys.argv[2:]], Path(sys.argv[1]))
    except SourceError as error:
        print(error.message)
"""


def test_a_process_that_dies_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    files = [write(tmp_path, number) for number in range(60)]
    script = tmp_path / "run.py"
    script.write_text(DYING_READER)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), *map(str, files)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == f"{files[42]}: the process that reads it died\n"
