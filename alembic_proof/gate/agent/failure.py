"""Owns the description of an exception: what it says, where in the project, and in which SQL."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from typing import Any

_ASYNCPG_ADAPTER_PREFIX = re.compile(r"^<class '[\w.]+'>: ")
_MEMORY_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")


def describe(error: BaseException, folders: tuple[str, ...]) -> dict[str, Any]:
    """Describe an exception; only frames of files in ``folders`` are told, innermost last."""
    database_error = _database_error(error)
    return {
        "type": type(error).__name__,
        "message": _message(error, database_error),
        "frames": list(_frames(error, folders)),
        "sqlstate": _sqlstate(database_error),
        "statement": getattr(error, "statement", None),
        "missing_variable": _missing_variable(error),
        "missing_module": getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError)
        else None,
    }


def _database_error(error: BaseException) -> BaseException | None:
    """The driver's own exception behind SQLAlchemy's, or the exception itself."""
    original = getattr(error, "orig", None)
    if not isinstance(original, BaseException):
        return error if _sqlstate(error) else None
    cause = original.__cause__
    return cause if cause is not None and _sqlstate(cause) else original


def _sqlstate(error: BaseException | None) -> str | None:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return state or _pg8000_field(error, "C")


def _pg8000_field(error: BaseException | None, field: str) -> str | None:
    if error is not None and error.args and isinstance(error.args[0], dict):
        value = error.args[0].get(field)
        return value if isinstance(value, str) else None
    return None


def _message(error: BaseException, database_error: BaseException | None) -> str:
    if isinstance(error, SystemExit):
        return f"exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return error.msg or "invalid syntax"
    if database_error is None:
        return _MEMORY_ADDRESS.sub("", str(error)).strip()
    text = _pg8000_field(database_error, "M") or str(database_error).strip()
    return _ASYNCPG_ADAPTER_PREFIX.sub("", text)


def _frames(error: BaseException, folders: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for frame in traceback.extract_tb(error.__traceback__):
        if _is_within(frame.filename, folders):
            yield {
                "path": frame.filename,
                "line": frame.lineno,
                "function": frame.name,
                "text": frame.line,
            }
    if isinstance(error, SyntaxError) and error.filename:
        yield {
            "path": os.path.abspath(error.filename),  # noqa: PTH100
            "line": error.lineno or 1,
            "function": "",
            "text": (error.text or "").strip(),
        }


def _is_within(path: str, folders: tuple[str, ...]) -> bool:
    if path.startswith("<"):
        return False
    absolute = os.path.abspath(path)  # noqa: PTH100
    for folder in folders:
        inside = os.path.join(folder, "")  # noqa: PTH118
        if absolute.startswith(inside) and not _INSTALLED.search(absolute[len(folder) :]):
            return True
    return False


def _missing_variable(error: BaseException) -> str | None:
    """The name of the environment variable that ``os.environ[name]`` did not find."""
    if not isinstance(error, KeyError) or len(error.args) != 1:
        return None
    raised_in = [
        frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    return str(error.args[0]) if raised_in[-1:] == ["os"] else None
