"""Owns the promise that nothing is left behind: one keeper process for each server.

The keeper is a child in a session of its own. It starts what has to be started and then waits for
its standard input to end, which happens when we close it, when we crash and when we are killed
with SIGKILL: there is one way to clean up, and it runs at every normal end too.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from alembic_proof.errors import ServerError

CLEANUP_SECONDS = 60

_SCRIPT = Path(__file__).with_name("keeper_process.py")


class Keeper:
    """A running keeper process and the conversation with it: one JSON object a line."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        """Start a keeper on ``task``: the object that ``keeper_process.py`` describes."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._input = cast("IO[str]", self._process.stdin)
        self._output = cast("IO[str]", self._process.stdout)
        self._tell(task)

    def answer(self) -> dict[str, Any]:
        """Wait for the next answer.

        Raises ``ServerError`` when the keeper reports a failure or has died.
        """
        line = self._output.readline()
        if not line:
            raise ServerError("the process that looks after the server died")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ServerError(answer["error"])
        return answer

    def settled(self) -> None:
        """Say that creating the thing to be removed is over, so it need not be waited for."""
        self._tell({"settled": True})

    def abandon(self) -> None:
        """Clean up after a start that failed; that failure is the one to report."""
        with contextlib.suppress(ServerError):
            self.close()

    def close(self) -> None:
        """Let the keeper clean up, and wait until it has; idempotent.

        Raises ``ServerError`` when something could not be removed.
        """
        if self._input.closed:
            return
        try:
            answers, _ = self._process.communicate(timeout=CLEANUP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ServerError(f"the server was still not gone after {CLEANUP_SECONDS} s") from None
        if status := self._process.returncode:
            lines = answers.splitlines()
            reason = json.loads(lines[-1])["error"] if lines else f"exit status {status}"
            raise ServerError(f"the server could not be cleaned up: {reason}")

    def _tell(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._input.write(json.dumps(message) + "\n")
            self._input.flush()
