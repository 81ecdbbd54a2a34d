"""The command group, and how errors become messages and exit statuses."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from alembic_proof import __version__
from alembic_proof.cli.app import app
from alembic_proof.errors import ConfigError
from tests.cli.command import Command


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, command: Command) -> Command:
    """Run a command whose body raises the exception given."""

    def call(*args: object):  # type: ignore[no-untyped-def]
        (error,) = args

        def fail() -> None:
            assert isinstance(error, BaseException)
            raise error

        monkeypatch.setitem(app.commands, "fail", click.Command("fail", callback=fail))
        return command("fail")

    return call


def test_help_names_every_command(command: Command) -> None:
    outcome = command("--help")
    assert outcome.status == 0
    for name in ("lint", "effects", "gate", "explain", "rules", "config"):
        assert f"\n  {name} " in outcome.stdout


@pytest.mark.parametrize("name", sorted(app.commands))
def test_every_command_has_help(command: Command, name: str) -> None:
    outcome = command(name, "--help")
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(f"Usage: alembic-proof {name} ")


def test_the_version_is_printed(command: Command) -> None:
    assert command("--version").stdout == f"alembic-proof {__version__}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_standard_output_is_said_and_no_pass() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "alembic_proof", "rules"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write to standard output: No space left")
    assert "Traceback" not in done.stderr


def test_a_closed_standard_output_is_said_and_no_pass() -> None:
    done = subprocess.run(
        f"exec {shlex.quote(sys.executable)} -m alembic_proof rules >&-",
        shell=True,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output is closed")


@pytest.mark.parametrize(
    "args", [(), ("no-such-command",), ("lint", "--no-such-option"), ("lint", "--postgres", "9")]
)
def test_wrong_usage_exits_with_2(command: Command, args: tuple[str, ...]) -> None:
    outcome = command(*args)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "Usage: alembic-proof" in outcome.stderr


def test_an_error_is_a_message_and_a_hint(failing: Command) -> None:
    outcome = failing(ConfigError("alembic.ini is unreadable", hint="check its permissions"))
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr == "error: alembic.ini is unreadable\nhint: check its permissions\n"


def test_an_interruption_is_no_pass(failing: Command) -> None:
    outcome = failing(KeyboardInterrupt())
    assert outcome.status == 2
    assert outcome.stderr.endswith("interrupted: the result is incomplete\n")


def test_anything_else_is_our_bug(failing: Command) -> None:
    outcome = failing(RuntimeError("what"))
    assert outcome.status == 2
    assert "Traceback" in outcome.stderr
    assert "error: this is a bug in alembic-proof: RuntimeError: what\n" in outcome.stderr
    assert f"alembic-proof {__version__}, Python " in outcome.stderr


def test_a_closed_pipe_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = subprocess.run(
            [sys.executable, "-m", "alembic_proof", "rules"], stdout=writer, stderr=subprocess.PIPE
        )
    finally:
        os.close(writer)
    assert (process.returncode, process.stderr) == (2, b"")


@pytest.mark.parametrize("module", ["alembic_proof", "alembic_proof.cli"])
def test_modules_run_as_the_command_does(module: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", module, "--version"], capture_output=True, text=True
    )
    assert (process.returncode, process.stdout) == (0, f"alembic-proof {__version__}\n")


@pytest.mark.parametrize("args", [["--help"], ["rules"], ["config"]])
def test_light_commands_load_no_parser(args: list[str], tmp_path: Path) -> None:
    heavy = "{'libcst', 'sqlglot', 'alembic', 'sqlalchemy', 'psycopg'} & set(sys.modules)"
    script = f"import sys; from alembic_proof.cli.app import run; run({args!r}); assert not {heavy}"
    process = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (process.returncode, process.stderr) == (0, "")


def test_a_terminal_without_unicode_gets_ascii() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "alembic_proof", "lint", "--help"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.isascii()


@pytest.mark.parametrize("arguments", [(), ("lint",), ("effects",), ("gate",)])
def test_examples_in_the_help_keep_their_lines(
    command: Command, arguments: tuple[str, ...]
) -> None:
    shown = command(*arguments, "--help").stdout
    assert "\\b" not in shown
    assert sum(line.startswith("  alembic-proof ") for line in shown.splitlines()) >= 2
