"""Owns the conversation with the gate: JSON lines on two pipes of their own.

Standard output and error belong to the project. The first line received is the task, every further
one a command; each is answered by one line with ``result`` or ``failure``, before which a run tells
``begun`` and ``ended`` of each step. When the commands end, the gate is gone or has had enough: the
whole process group ends at once, whatever the migration is doing.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import queue
import signal
import sys
import threading
import weakref
from typing import IO, Any

from .failure import describe
from .redirect import redirect_drivers, refuse_other_databases
from .target import Target
from .variables import redirected_variables, scheme_for

OLDEST_ALEMBIC = (1, 8)


class UnusableInterpreterError(Exception):
    """The interpreter lacks what the project's migrations need."""


def converse(commands: int, replies: int) -> None:
    """Answer commands until there are no more."""
    for descriptor in (commands, replies):
        os.set_inheritable(descriptor, False)
    received: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_receive, args=(commands, received), daemon=True).start()
    with os.fdopen(replies, "w", encoding="utf-8", errors="replace") as answers:
        Conversation(received, answers).run()


def _receive(descriptor: int, received: queue.Queue[dict[str, Any]]) -> None:
    """Pass commands on; at their end, kill this process group."""
    with os.fdopen(descriptor, encoding="utf-8") as lines:
        for line in lines:
            received.put(json.loads(line))
    os.killpg(os.getpgrp(), signal.SIGKILL)


class Conversation:
    """Answers the commands of one gate about one project."""

    def __init__(self, received: queue.Queue[dict[str, Any]], answers: IO[str]) -> None:
        self._received = received
        self._answers = answers
        self._root = ""
        self._folders: tuple[str, ...] = ()
        self._migrations: Any = None
        self._engines: weakref.WeakSet[Any] = weakref.WeakSet()

    def run(self) -> None:
        """Prepare for the task, then answer command after command."""
        self._answer(self._prepare)
        while True:
            self._answer(self._obey)

    def _answer(self, action: Any) -> None:
        message = self._received.get()
        try:
            result = action(message)
        except BaseException as error:  # noqa: BLE001  (the project may raise anything at all)
            self._tell({"failure": describe(error, self._folders)})
            return
        finally:
            self._dispose_of_engines()
        self._tell({"result": result})

    def _tell(self, message: dict[str, Any]) -> None:
        for stream in (sys.stdout, sys.stderr):
            # The project may have closed either, or put anything at all in its place.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        self._answers.write(json.dumps(message, ensure_ascii=False) + "\n")
        self._answers.flush()

    def _prepare(self, task: dict[str, Any]) -> dict[str, Any]:
        self._root = task["root"]
        os.chdir(self._root)
        sys.argv[:] = ["alembic", "upgrade", "heads"]
        self._folders = (task["root"], task["script_location"], *task["version_locations"])
        versions = _library_versions()
        target = Target(task["database"])
        drivers = redirect_drivers(target)
        refuse_other_databases(list(drivers))
        self._watch_engines()
        scheme = scheme_for(_text_of(task["env_py"]), list(drivers))
        variables = redirected_variables(os.environ, target, scheme)
        os.environ.clear()
        os.environ.update(variables)
        # Imported only now: it needs alembic, whose absence was to be told first.
        from .migrations import Migrations

        self._migrations = Migrations(task, target, scheme)
        return {**versions, **drivers}

    def _obey(self, message: dict[str, Any]) -> Any:
        # Each command is a run of `alembic` of its own; an earlier one may have gone elsewhere.
        os.chdir(self._root)
        command = message["command"]
        if command == "history":
            return self._migrations.history()
        if command == "plan":
            return self._migrations.plan(message["applied"])
        if command == "current":
            return self._migrations.current()
        return self._migrations.run(message["steps"], self._tell)

    def _watch_engines(self) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        def watch(connection: Any, *_: Any) -> None:
            self._engines.add(connection.engine)

        event.listen(Engine, "engine_connect", watch)

    def _dispose_of_engines(self) -> None:
        """Forget pooled connections, as the end of the process would after `alembic upgrade`.

        Those of an asynchronous engine belong to an event loop that has ended: they can only be
        dropped.
        """
        for engine in list(self._engines):
            if getattr(engine.dialect, "is_async", False):
                engine.dispose(close=False)
            else:
                engine.dispose()
        self._engines = weakref.WeakSet()


def _library_versions() -> dict[str, str]:
    try:
        import alembic
        import sqlalchemy
    except ImportError as error:
        raise UnusableInterpreterError(
            "{} has no {}".format(sys.executable, error.name or "alembic")
        ) from error
    if _numbers(alembic.__version__) < list(OLDEST_ALEMBIC):
        raise UnusableInterpreterError(
            f"alembic {alembic.__version__} is too old: 1.8 or newer is needed"
        )
    return {
        "python": platform.python_version(),
        "alembic": alembic.__version__,
        "sqlalchemy": sqlalchemy.__version__,
    }


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")[:2]]


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""
