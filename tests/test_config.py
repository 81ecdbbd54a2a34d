"""Configuration is found, typed, checked, and every value can say where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_proof.config import (
    Config,
    check_rule_names,
    describe,
    load_config,
    override,
    read_config,
)
from alembic_proof.errors import ConfigError
from alembic_proof.findings import Confidence, Finding, Severity

KNOWN = ("AP101", "blocking-index-build", "AP205", "dropped-column")


def configure(folder: Path, body: str, name: str = "pyproject.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    table = "[tool.alembic-proof]\n" if name == "pyproject.toml" else ""
    (folder / name).write_text(table + body)
    return folder


def test_every_key(tmp_path: Path) -> None:
    body = """
        postgres = 16
        select = ["AP1"]
        ignore = ["dropped-column"]
        fail-on = "error"
        since = "abc"
        diff-base = "origin/main"
        exclude = ["legacy/*"]
        python = ".venv/bin/python"
        server = "postgresql:///x"
        time-limit = 90
        severity = { AP101 = "info" }
    """
    config = load_config(configure(tmp_path, body))
    assert config.postgres == 16
    assert config.select == ("AP1",)
    assert config.fail_on is Severity.ERROR
    assert config.severity == {"AP101": Severity.INFO}
    assert config.time_limit == 90.0
    assert config.source == tmp_path / "pyproject.toml"
    assert {origin for _, _, origin in describe(config)} == {
        f"{tmp_path / 'pyproject.toml'} [tool.alembic-proof]"
    }


def test_defaults(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert load_config(tmp_path) == Config()
    assert Config().fail_on is Severity.WARNING


def test_nearest_file_with_our_table(tmp_path: Path) -> None:
    configure(tmp_path, "postgres = 13\n")
    configure(tmp_path / "a", "postgres = 14\n")
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "a/b/pyproject.toml").write_text("[tool.ruff]\n")
    assert load_config(tmp_path / "a/b/c").postgres == 14
    assert load_config(tmp_path / "a/../a/b/..").postgres == 14


def test_search_ends_at_the_repository(tmp_path: Path) -> None:
    configure(tmp_path, "postgres = 13\n")
    (tmp_path / "repository/.git").mkdir(parents=True)
    assert load_config(tmp_path / "repository").postgres is None


def test_own_file(tmp_path: Path) -> None:
    configure(tmp_path, "postgres = 13\n", "alembic-proof.toml")
    config = load_config(tmp_path)
    assert (config.postgres, config.source) == (13, tmp_path / "alembic-proof.toml")


def test_two_files_in_one_folder(tmp_path: Path) -> None:
    configure(tmp_path, "postgres = 13\n", "alembic-proof.toml")
    configure(tmp_path, "postgres = 13\n")
    with pytest.raises(ConfigError, match="both hold settings"):
        load_config(tmp_path)


def test_a_given_file_must_configure_us(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    with pytest.raises(ConfigError, match="has no settings"):
        read_config(tmp_path / "pyproject.toml")
    with pytest.raises(ConfigError, match="does not exist"):
        read_config(tmp_path / "gone.toml")
    configure(tmp_path, "postgres = 17\n", "ci.toml")
    assert read_config(tmp_path / "ci.toml").postgres == 17


@pytest.mark.parametrize(
    ("body", "message", "hint"),
    [
        ("postgre = 15", "unknown key 'postgre'", "did you mean 'postgres'?"),
        ("fail_on = 'error'", "unknown key 'fail_on'", "did you mean 'fail-on'?"),
        ("source = 'x'", "unknown key 'source'", "the keys are postgres, select"),
        ("xyz = 1", "unknown key 'xyz'", "the keys are postgres, select"),
        ("postgres = '16'", "postgres must be a whole number from 12 to 18, found the string", ""),
        ("postgres = 11", "found the number 11", ""),
        ("postgres = true", "found the boolean true", ""),
        ("select = 'AP1'", 'select must be a list of strings, found the string "AP1"', ""),
        ("select = [1]", "select must be a list of strings, found the list [1]", ""),
        ("fail-on = 'fatal'", 'fail-on must be one of "error", "warning" and "info"', ""),
        ("severity = {AP101 = 'off'}", 'found the table { AP101 = "off" }', ""),
        ("time-limit = 0", "time-limit must be a number of seconds above 0", ""),
        ("postgres =", "not valid TOML", ""),
    ],
)
def test_mistakes(body: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(configure(tmp_path, body))
    assert message in raised.value.message
    assert str(tmp_path / "pyproject.toml") in raised.value.message
    assert hint in raised.value.hint
    assert raised.value.hint


def test_a_table_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool]\nalembic-proof = "yes"\n')
    with pytest.raises(ConfigError, match="not a table"):
        load_config(tmp_path)


@pytest.mark.parametrize("name", ["AP101", "ap101", "AP1", "AP", "blocking-index-build"])
def test_rule_names_that_exist(name: str) -> None:
    check_rule_names(Config(select=(name,), ignore=(name,)), KNOWN)


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        (Config(select=("blocking-idex-build",)), "did you mean 'blocking-index-build'?"),
        (Config(ignore=("AP9",)), "lists them"),
        (Config(severity={"AP1": Severity.INFO}), "did you mean 'AP101'?"),
        (Config(select=("blocking",)), ""),
    ],
)
def test_rule_names_that_do_not_exist(config: Config, hint: str) -> None:
    with pytest.raises(ConfigError, match="which is not a rule") as raised:
        check_rule_names(config, KNOWN)
    assert hint in raised.value.hint


def test_override_says_where_values_come_from() -> None:
    config = override(Config(since="a"), {"postgres": 17, "since": None}, origin="command line")
    assert (config.postgres, config.since) == (17, "a")
    origins = {key: origin for key, _, origin in describe(config)}
    assert origins["postgres"] == "command line"
    assert origins["select"] == "default"
    with pytest.raises(ConfigError, match="command line: postgres must be"):
        override(Config(), {"postgres": 9}, origin="command line")


def test_describe_writes_toml() -> None:
    config = Config(select=("AP1", "AP2"), severity={"AP101": Severity.INFO}, postgres=16)
    values = {key: value for key, value, _ in describe(config)}
    assert values["select"] == '["AP1", "AP2"]'
    assert values["severity"] == '{ AP101 = "info" }'
    assert values["postgres"] == "16"
    assert values["time-limit"] == "600"
    assert values["since"] == "not set"
    assert next(iter(values)) == "postgres"


@pytest.mark.parametrize(
    ("pattern", "path", "excluded"),
    [
        ("legacy", "legacy/a.py", True),
        ("legacy/", "legacy", True),
        ("services/*/old", "services/a/old/versions", True),
        ("**/old", "services/a/old", True),
        ("legacy", "new/legacy", False),
        ("*.py", "a.py", True),
        ("legacy", "../outside/legacy", False),
    ],
)
def test_excludes(pattern: str, path: str, excluded: bool, tmp_path: Path) -> None:
    config = load_config(configure(tmp_path / "project", f'exclude = ["{pattern}"]\n'))
    assert config.excludes((tmp_path / "project" / path).resolve()) is excluded


@pytest.mark.parametrize("written", ["blocking-index-build", "AP101", "ap101"])
def test_severity_by_name_or_code(written: str) -> None:
    finding = Finding(
        code="AP101",
        rule="blocking-index-build",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        revision="a",
        path="a.py",
        line=1,
        column=1,
        message="",
        help="",
    )
    assert Config(severity={written: Severity.INFO}).adjusted(finding).severity is Severity.INFO
    assert Config(severity={"AP102": Severity.INFO}).adjusted(finding) == finding
