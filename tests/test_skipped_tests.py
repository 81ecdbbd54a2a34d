"""CI accepts a skipped test only for a reason that README.md lists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_skipped_tests.py"

README = """\
# alembic-proof

## Skipped tests

- `needs the moon`: on Earth.

## Licence

- `another list`
"""


@pytest.mark.parametrize(
    ("cases", "status", "output"),
    [
        ("<testcase classname='a' name='b'/>", 0, ""),
        ("<testcase><skipped message='this needs the moon, today'/></testcase>", 0, ""),
        (
            "<testcase classname='a' name='b'><skipped message='another list'/></testcase>",
            1,
            "skipped without leave: a::b: another list",
        ),
        ("", 1, "no test was run"),
    ],
)
def test_skips_need_leave(tmp_path: Path, cases: str, status: int, output: str) -> None:
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "junit.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "README.md", tmp_path / "junit.xml"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip()) == (status, output)
