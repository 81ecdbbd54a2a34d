"""Owns the options that several commands share, and the values they become."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from alembic_proof.findings import Severity

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be linted and how, as the command line says; None and empty mean "as configured"."""

    paths: tuple[Path, ...]
    config_file: Path | None = None
    diff_base: str | None = None
    since: str | None = None
    all: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    postgres: int | None = None
    fail_on: Severity | None = None
    use_cache: bool = True


def names(values: Iterable[str]) -> tuple[str, ...]:
    """The names of a repeated option that also takes comma lists, each once."""
    written = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in written if name))


def color_option(command: Command) -> Command:
    """``--color``."""
    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Colour the text. auto: on a terminal, unless NO_COLOR is set.",
    )(command)


def config_option(command: Command) -> Command:
    """``--config``."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read this pyproject.toml or alembic-proof.toml instead of looking for one.",
    )(command)


def pending_options(command: Command) -> Command:
    """``--diff-base`` and ``--since``: which revisions are pending."""
    for option in (
        click.option(
            "--since",
            metavar="REVISION",
            help="Pending are the revisions after this one, the one production is at.",
        ),
        click.option(
            "--diff-base",
            metavar="REF",
            help="Pending are the revisions that this git ref does not have (origin/main).",
        ),
    ):
        command = option(command)
    return command


def selection_options(command: Command) -> Command:
    """Everything that decides what is judged, for ``lint`` and ``effects``."""
    for option in (
        click.option("--no-cache", is_flag=True, help="Read every file afresh and keep nothing."),
        click.option(
            "--postgres",
            type=click.IntRange(12, 18),
            metavar="MAJOR",
            help="Major version of the production servers.",
        ),
        click.option(
            "--ignore",
            multiple=True,
            metavar="RULES",
            help="Leave these rules out: codes, names or families (AP1), comma-separated.",
        ),
        click.option(
            "--select",
            multiple=True,
            metavar="RULES",
            help="Apply these rules only; named as for --ignore.",
        ),
        click.option(
            "--all",
            "every",
            is_flag=True,
            help="Judge every revision, each as a release of its own.",
        ),
    ):
        command = option(command)
    return config_option(pending_options(command))
