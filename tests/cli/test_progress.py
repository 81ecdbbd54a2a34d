"""The gate's progress on standard error."""

from __future__ import annotations

import pytest

from alembic_proof.cli.progress import BAR_CELLS, Bar, Lines


def test_a_log_gets_a_line_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as progress:
        progress.start(2)
        progress.step("0001 upgrade", 0.123)
        progress.note("a copy is made")
        progress.step("0001 downgrade", 2)
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.splitlines() == [
        "[1/2] 0001 upgrade (0.12 s)",
        "note: a copy is made",
        "[2/2] 0001 downgrade (2.00 s)",
    ]


def test_a_terminal_gets_a_bar_that_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as progress:
        progress.start(4)
        progress.step("0001 upgrade", 0.1)
        progress.step("0001 downgrade", 0.1)
    drawn = capsys.readouterr().err.split("\r\x1b[2K")
    half = "█" * (BAR_CELLS // 2) + "░" * (BAR_CELLS // 2)
    assert drawn[-2] == f"{half} 2/4 0001 downgrade (0.10 s)"
    assert drawn[-1] == ""


def test_a_bar_survives_more_steps_than_announced(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Bar()
    progress.start(0)
    progress.step("one", 0)
    progress.step("two", 0)
    assert capsys.readouterr().err.endswith("█ 2/2 two (0.00 s)")
