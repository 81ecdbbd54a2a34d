"""Drives the project's Alembic environment: its history, and exactly the steps that are asked for."""

from __future__ import annotations

import configparser
import os
import sys
import time
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory

from .target import Target
from .variables import is_postgresql_url


class UnusableProjectError(Exception):
    """Alembic's own way of saying what is wrong would not help; the message says it all."""


class SeveralDatabasesError(Exception):
    """The env.py migrates one database after the other, and the sandbox stands for each of them."""


class Migrations:
    """The Alembic project that a task names, ready to be run against the sandbox."""

    def __init__(self, task: dict[str, Any], target: Target, scheme: str) -> None:
        self._config = _configuration(task, target, scheme)
        self._script = ScriptDirectory.from_config(self._config)
        if task["root"] not in sys.path:
            sys.path.append(task["root"])

    def history(self) -> list[dict[str, Any]]:
        """Load every revision file; return the revisions in an order in which they apply."""
        try:
            with warnings.catch_warnings():
                # Alembic warns, and then knows only one of them.
                warnings.filterwarnings("error", message="Revision .* is present more than once")
                scripts = list(self._script.walk_revisions())
        except UserWarning as warning:
            if "is present more than once" not in str(warning):
                raise
            raise UnusableProjectError(f"two revision files have one id: {warning}") from None
        except KeyError as error:
            raise UnusableProjectError(
                f"no revision file has the id {error}, which another one names as its parent"
            ) from None
        return [_described(script) for script in reversed(scripts)]

    def plan(self, applied: list[str]) -> list[str]:
        """Return the ids that ``alembic upgrade heads`` would run, in its order."""
        heads: Any = tuple(applied)
        steps = self._script._upgrade_revs("heads", heads)
        return [step.revision.revision for step in steps]

    def current(self) -> dict[str, Any]:
        """Return the heads that the database says are applied, without writing to it."""
        found: dict[str, Any] = {}

        def read(heads: Any, context: Any) -> Iterable[Any]:
            found.update(heads=list(heads), version_table=context.version_table)
            return ()

        self._run_environment(read, "heads", dont_mutate=True)
        if not found:
            raise UnusableProjectError("env.py ended without running any migration")
        return found

    def run(self, steps: list[dict[str, str]], tell: Callable[[dict[str, Any]], None]) -> str:
        """Run these steps in one go, as ``alembic upgrade`` would; return the version table's name.

        A step is ``{"revision": id, "direction": "upgrade" | "downgrade"}``; its beginning is told,
        and its end with its seconds.

        The steps are made here and not chosen by Alembic's notation for targets, because in a
        history with branches "one step down" has no name.
        """
        version_table = ""

        def chosen(heads: Any, context: Any) -> Iterator[Any]:
            nonlocal version_table
            if version_table and steps[-1]["direction"] == "upgrade":
                _require_another_database(heads, steps[-1]["revision"])
            for step in steps:
                tell({"begun": step})
                started = time.perf_counter()
                yield self._migration_step(step)
                tell({"ended": time.perf_counter() - started})
            version_table = context.version_table

        self._run_environment(chosen, steps[-1]["revision"])
        if not version_table:
            raise UnusableProjectError("env.py ended without running any migration")
        return version_table

    def _migration_step(self, step: dict[str, str]) -> Any:
        make = {
            "upgrade": MigrationStep.upgrade_from_script,
            "downgrade": MigrationStep.downgrade_from_script,
        }[step["direction"]]
        return make(self._script.revision_map, self._script.get_revision(step["revision"]))

    def _run_environment(self, run: Callable[..., Any], destination: str, **options: Any) -> None:
        with EnvironmentContext(
            self._config, self._script, fn=run, destination_rev=destination, **options
        ):
            self._script.run_env()


def _require_another_database(heads: Iterable[str], revision: str) -> None:
    """Refuse to run an upgrade again where env.py has just run it."""
    if revision in heads:
        raise SeveralDatabasesError(
            "env.py runs the migrations once for each of several databases, and all of them are "
            "one in the sandbox"
        )


def _configuration(task: dict[str, Any], target: Target, scheme: str) -> Config:
    """Return the project's own configuration, with a URL where it has none for PostgreSQL."""
    config_file = task["config_file"]
    if config_file is None:
        config = Config()
        config.set_main_option("script_location", _escaped(task["script_location"]))
    else:
        config = _read_configuration(config_file, task["section"])
    # What `alembic upgrade heads` would have left there: env.py may look at any of it.
    config.cmd_opts = Namespace(
        cmd=None,
        config=config_file,
        name=task["section"],
        x=None,
        raiseerr=False,
        quiet=False,
        revision="heads",
        sql=False,
        tag=None,
        autogenerate=False,
    )
    if not is_postgresql_url(_raw_url(config)):
        config.set_main_option("sqlalchemy.url", _escaped(target.url(scheme)))
    return config


def _read_configuration(config_file: str, section: str) -> Config:
    """Read what `alembic` reads in that folder: an ini file, pyproject.toml, or both of them."""
    folder = os.path.dirname(config_file)  # noqa: PTH120
    toml_file = os.path.join(folder, "pyproject.toml")  # noqa: PTH118
    ini_file = config_file
    if config_file.endswith(".toml"):
        toml_file, ini_file = config_file, os.path.join(folder, "alembic.ini")  # noqa: PTH118
    options: dict[str, Any] = {"ini_section": section}
    if _has_alembic_table(toml_file):
        options["toml_file"] = toml_file
    return Config(ini_file if os.path.exists(ini_file) else None, **options)  # noqa: PTH110


def _has_alembic_table(toml_file: str) -> bool:
    try:
        with open(toml_file, encoding="utf-8") as file:  # noqa: PTH123
            return "[tool.alembic" in file.read()
    except OSError:
        return False


def _raw_url(config: Config) -> str:
    """The URL as written, because what it interpolates may only be set by env.py."""
    section = config.config_ini_section
    try:
        return config.file_config.get(section, "sqlalchemy.url", raw=True)
    except (configparser.NoSectionError, configparser.NoOptionError):
        return ""


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _described(script: Any) -> dict[str, Any]:
    return {
        "id": script.revision,
        "path": os.path.abspath(script.path),  # noqa: PTH100
        "parents": _names(script.down_revision),
        "depends_on": _names(script.dependencies),
        "branch_labels": sorted(script._orig_branch_labels),
        "message": script.doc or "",
        "upgrade_line": _line_of(script.module, "upgrade"),
        "downgrade_line": _line_of(script.module, "downgrade"),
    }


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _line_of(module: ModuleType, function: str) -> int | None:
    """Where the function begins, or None when it does not stand in the revision file."""
    code = getattr(getattr(module, function, None), "__code__", None)
    if code is None or code.co_filename != module.__file__:
        return None
    line: int = code.co_firstlineno
    return line
