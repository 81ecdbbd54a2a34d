"""Fixtures of the command line's tests."""

from __future__ import annotations

import pytest

from alembic_proof.cli.app import run
from tests.cli.command import Command, Outcome


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process and give what it did."""

    def call(*args: object) -> Outcome:
        status = run([str(arg) for arg in args])
        stdout, stderr = capsys.readouterr()
        return Outcome(status, stdout, stderr)

    return call
