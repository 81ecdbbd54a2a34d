"""Owns the parent's side of the agent: starts it, speaks with it, and ends it when it hangs.

The agent runs the project's own code, so everything that comes back is data: a result, or a
``StepFailure`` that says what went wrong and where.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from alembic_proof.errors import SandboxError
from alembic_proof.gate.failures import Step, StepFailedError, StepFailure, environment_error
from alembic_proof.gate.servers.base import ConnectionParameters
from alembic_proof.project import Project

AGENT = Path(__file__).with_name("agent")

START_SECONDS = 60.0
"""How long the interpreter may take to import Alembic and the drivers."""

LONGEST_WAIT_SECONDS = 3600.0
"""How long to wait at once: the system refuses a time that is too long, infinity for one."""

SHOWN_OUTPUT_LINES = 12

SHOWN_OUTPUT_BYTES = 4000
"""How much is read of the end of what the project printed."""


class RevisionFile(msgspec.Struct, frozen=True, kw_only=True):
    """A revision as Alembic loaded it; ``path`` is absolute, lines count from 1."""

    id: str
    path: str
    parents: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    message: str = ""
    upgrade_line: int | None = None
    downgrade_line: int | None = None


class Applied(msgspec.Struct, frozen=True):
    """What Alembic's version table says: the heads that are applied, and its own name."""

    heads: tuple[str, ...]
    version_table: str


StepDone = Callable[[Step, float], None]
"""Called after each step with its duration in seconds."""


class AgentProcess:
    """A running agent for one project and one database; a context manager."""

    def __init__(
        self,
        project: Project,
        database: ConnectionParameters,
        *,
        python: str | None = None,
        time_limit: float,
        on_hang: Callable[[], None] | None = None,
    ) -> None:
        """Start the agent and let it prepare.

        ``python`` is the project's interpreter, by default this one. ``time_limit`` is how many
        seconds a command, and each step of a run, may take. ``on_hang`` is called when one took
        longer, before the agent is ended and its sessions with it.

        Raises ``SandboxError`` when the interpreter or the Alembic configuration cannot be used.
        """
        self._project = project
        self._python = python or sys.executable
        self._time_limit = time_limit
        self._on_hang = on_hang
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close())
        self._buffer = b""
        self._killed = False
        self._start()
        try:
            self.versions: dict[str, str] = self._ask(_task(project, database), START_SECONDS)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether it can take a further command."""
        return not self._killed

    def history(self) -> tuple[RevisionFile, ...]:
        """Load every revision file; return them in an order in which they apply.

        Raises ``SandboxError`` when one of them cannot be imported or Alembic refuses the graph.
        """
        return msgspec.convert(self._ask({"command": "history"}), tuple[RevisionFile, ...])

    def plan(self, applied: Sequence[str]) -> tuple[str, ...]:
        """The ids that ``alembic upgrade heads`` would run when these heads are applied."""
        return tuple(self._ask({"command": "plan", "applied": list(applied)}))

    def current(self) -> Applied:
        """What is applied in the database; env.py runs, no revision does."""
        return msgspec.convert(self._ask({"command": "current"}), Applied)

    def run(self, steps: Sequence[Step], done: StepDone | None = None) -> str:
        """Run these steps in one go through env.py; return the name of the version table.

        Raises ``StepFailedError`` when a revision fails, hangs or ends the process, and
        ``SandboxError`` when env.py does so before the first revision.
        """
        message = {"command": "run", "steps": [msgspec.to_builtins(step) for step in steps]}
        version_table: str = self._ask(message, done=done)
        return version_table

    def close(self) -> None:
        """End the agent and everything it started; idempotent."""
        self._kill()
        for end in (self._commands, self._replies, self._output):
            with contextlib.suppress(BrokenPipeError):
                end.close()

    def _start(self) -> None:
        commands_read, commands_write = os.pipe()
        replies_read, replies_write = os.pipe()
        self._commands = os.fdopen(commands_write, "wb")
        self._replies = os.fdopen(replies_read, "rb", buffering=0)
        try:
            self._process = subprocess.Popen(
                [self._python, str(AGENT), str(commands_read), str(replies_write)],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=(commands_read, replies_write),
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
        except OSError as error:
            for end in (self._commands, self._replies, self._output):
                end.close()
            raise SandboxError(
                f"cannot start the interpreter {self._python}: {error.strerror}",
                hint="name the project's own interpreter with --python",
            ) from error
        finally:
            os.close(commands_read)
            os.close(replies_write)

    def _ask(
        self, message: dict[str, Any], seconds: float | None = None, *, done: StepDone | None = None
    ) -> Any:
        """Send a command and wait for its answer.

        Raises ``StepFailedError`` when a step had begun and ``SandboxError`` otherwise.
        """
        printed = self._output.seek(0, os.SEEK_END)
        running: Step | None = None
        try:
            self._send(message)
            while True:
                match self._receive(seconds or self._time_limit):
                    case {"begun": step}:
                        running = msgspec.convert(step, Step)
                    case {"ended": float(duration)} if running is not None:
                        if done is not None:
                            done(running, duration)
                    case {"result": result}:
                        return result
                    case answer:
                        failure = msgspec.convert(answer["failure"], StepFailure)
                        break
        except _StoppedError as stopped:
            failure = StepFailure(type=stopped.kind, message=str(stopped))
        failure = msgspec.structs.replace(
            failure, step=running, output=self._printed_since(printed)
        )
        if running is not None and failure.type != "SeveralDatabasesError":
            raise StepFailedError(failure)
        raise environment_error(failure, self._project, self._python)

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._commands.write(json.dumps(message).encode() + b"\n")
            self._commands.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _receive(self, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._replies], [], [], min(left, LONGEST_WAIT_SECONDS))
            if not ready and left > LONGEST_WAIT_SECONDS:
                continue
            if not ready:
                if self._on_hang is not None:
                    self._on_hang()
                self._kill()
                raise _StoppedError("timeout", f"did not finish within {seconds:g} s")
            received = os.read(self._replies.fileno(), 65536)
            if not received:
                raise self._ended()
            self._buffer += received
        line, self._buffer = self._buffer.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self) -> _StoppedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._kill()
        status = self._process.returncode
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return _StoppedError("exit", f"the process that ran it {how}")

    def _kill(self) -> None:
        if self._killed:
            return
        self._killed = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _printed_since(self, position: int) -> str:
        end = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(position, end - SHOWN_OUTPUT_BYTES))
        text = self._output.read().decode(errors="replace").strip()
        return "\n".join(text.splitlines()[-SHOWN_OUTPUT_LINES:])


class _StoppedError(Exception):
    """The process will not answer: it took too long, or it is gone."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _task(project: Project, database: ConnectionParameters) -> dict[str, Any]:
    return {
        "root": str(project.root),
        "config_file": str(project.config_file) if project.config_file else None,
        "section": project.section,
        "script_location": str(project.script_location),
        "version_locations": [str(path) for path in project.version_locations],
        "env_py": str(project.env_py),
        "database": {
            "host": database.host,
            "port": database.port,
            "user": database.user,
            "password": database.password,
            "database": database.database,
            "options": dict(database.options),
        },
    }
