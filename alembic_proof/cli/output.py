"""Owns the two streams: results go to standard output or a file, everything else to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TextIO

from alembic_proof.errors import AlembicProofError, UsageError
from alembic_proof.reporters.style import Style, plain

WIDEST = 100
"""Columns used at most: longer lines of prose are hard to read."""


def style_for(color: str, output: Path | None = None) -> Style:
    """The style of results for ``--color`` (``auto``, ``always``, ``never``).

    ``auto`` means colour on a terminal, unless NO_COLOR is set (https://no-color.org) or the
    terminal is dumb.
    """
    terminal = output is None and sys.stdout is not None and sys.stdout.isatty()
    width = min(shutil.get_terminal_size((80, 24)).columns, WIDEST) if terminal else 80
    return Style(width, color == "always" or (color == "auto" and terminal and _wants_color()))


def _wants_color() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def deliver(text: str, output: Path | None = None) -> None:
    """Write a result to a file (in UTF-8) or to standard output.

    Raises:
        UsageError: the file cannot be written.

    """
    if output is None:
        _deliver_here(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {output}: {error.strerror}", hint="give --output a file in a folder"
        ) from error


def _deliver_here(text: str) -> None:
    if sys.stdout is None:
        raise UsageError("standard output is closed", hint="write the result with --output FILE")
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still buffered would fail again when the interpreter ends, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UsageError(
            f"cannot write to standard output: {error.strerror}",
            hint="write the result with --output FILE",
        ) from error


def say(text: str) -> None:
    """Tell the person at the terminal something that is not part of the result."""
    if sys.stderr is not None:
        _write(sys.stderr, text + "\n")


def note(text: str) -> None:
    """Say something worth knowing that is no error."""
    say(f"note: {text}")


def complain(error: AlembicProofError) -> None:
    """Say what could not be done, and what to do next."""
    say(f"error: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")


def _write(stream: TextIO, text: str) -> None:
    stream.write(plain(text, stream.encoding or "utf-8"))
    stream.flush()
