"""``config`` and the options that concern configuration."""

from __future__ import annotations

from pathlib import Path

from alembic_proof.config import Config, describe
from tests.cli.command import Command


def test_defaults_are_shown_as_such(command: Command, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    outcome = command("config", tmp_path)
    assert outcome.status == 0
    rows = [line.split()[0] for line in outcome.stdout.splitlines()]
    assert rows == [key for key, _, _ in describe(Config())]
    assert all(line.endswith("  default") for line in outcome.stdout.splitlines())


def test_a_value_has_its_origin(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("[tool.alembic-proof]\npostgres = 14\n")
    (line,) = [
        line for line in command("config", tmp_path).stdout.splitlines() if "postgres" in line[:9]
    ]
    assert line.split(maxsplit=2) == ["postgres", "14", f"{file} [tool.alembic-proof]"]


def test_an_unknown_key_names_the_nearest(command: Command, tmp_path: Path) -> None:
    (tmp_path / "alembic-proof.toml").write_text("postgers = 14\n")
    outcome = command("config", tmp_path)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "unknown key 'postgers'" in outcome.stderr
    assert "did you mean 'postgres'?" in outcome.stderr


def test_an_unknown_rule_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "alembic-proof.toml").write_text('ignore = ["blocking-indexes"]\n')
    outcome = command("config", tmp_path)
    assert outcome.status == 2
    assert "'blocking-indexes', which is not a rule" in outcome.stderr


def test_a_file_can_be_named(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "alembic-proof.toml"
    file.parent.mkdir()
    file.write_text("postgres = 13\n")
    rows = [
        line.split() for line in command("config", tmp_path, "--config", file).stdout.splitlines()
    ]
    assert ["postgres", "13", str(file)] in rows


def test_a_named_file_without_settings_is_refused(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("[project]\nname = 'x'\n")
    outcome = command("config", tmp_path, "--config", file)
    assert outcome.status == 2
    assert "has no settings in [tool.alembic-proof]" in outcome.stderr


def test_a_folder_that_does_not_exist_is_an_error(command: Command, tmp_path: Path) -> None:
    outcome = command("config", tmp_path / "missing")
    assert outcome.status == 2
    assert "no such file or folder" in outcome.stderr
