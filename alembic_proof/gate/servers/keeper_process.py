"""The keeper process: a script that outlives the process that started it, and cleans up after it.

It is run as a file, imports nothing of this package, and speaks one JSON object a line. The first
line it reads is the task, its ``kind`` says which:

``postgres``   start a PostgreSQL from ``binaries`` in a temporary folder; stop it, remove the folder
``container``  remove the container called ``name``
``databases``  drop the databases whose names begin with ``prefix`` on the server at ``connection``

It answers ``{"ready": …}`` or ``{"error": "…"}`` and then waits for the end of its standard input,
or for the death of its parent should somebody else have inherited the other end.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pwd
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

START_SECONDS = 60
STOP_SECONDS = 15
PORT_ATTEMPTS = 5
POLL_SECONDS = 0.01
PARENT_CHECK_SECONDS = 0.5
UNSETTLED_SECONDS = 10
"""How long to look for a container whose creation was under way when the parent died."""

PUBLIC_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108  # what is made there has a random name
PR_SET_PDEATHSIG = 1


class TaskError(Exception):
    """The task cannot be done; the text goes to the parent."""


class ParentGoneError(Exception):
    """The parent is gone or wants no more."""


class Parent:
    """The process that gave the task, seen through standard input and output."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._buffer = b""
        self._gone = False

    def read(self) -> dict[str, Any]:
        """Wait for the next message; raise ``ParentGoneError`` at the end of input."""
        while b"\n" not in self._buffer:
            self.pause(PARENT_CHECK_SECONDS)
        line, self._buffer = self._buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def pause(self, seconds: float) -> None:
        """Let at most ``seconds`` pass; raise ``ParentGoneError`` at the end of input."""
        if self._gone or os.getppid() != self._pid:
            raise ParentGoneError
        readable, _, _ = select.select([0], [], [], seconds)
        if not readable:
            return
        received = os.read(0, 65536)
        if not received:
            self._gone = True
            raise ParentGoneError
        self._buffer += received

    def leave(self, _number: int, _frame: object) -> None:
        """Take a signal as the end of input, at the next pause: no cleaning is interrupted."""
        self._gone = True

    def tell(self, message: dict[str, Any]) -> None:
        """Answer, unless nobody listens any more."""
        with contextlib.suppress(OSError):
            os.write(1, json.dumps(message).encode() + b"\n")


class Account:
    """The operating system user that runs PostgreSQL, which refuses to run as root."""

    def __init__(self) -> None:
        self.entry = self._other_user() if os.geteuid() == 0 else None

    @staticmethod
    def _other_user() -> pwd.struct_passwd:
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
        raise TaskError("PostgreSQL does not run as root, and there is no user postgres or nobody")

    def start(self, arguments: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
        """Start a program in ``folder`` as this user, in a bare environment."""
        libraries = {key: value for key, value in os.environ.items() if "LIBRARY_PATH" in key}
        path = os.environ.get("PATH", os.defpath)
        with log.open("wb") as output:
            return subprocess.Popen(
                arguments,
                cwd=folder,
                env={**libraries, "PATH": path, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.entry and self.entry.pw_uid,
                group=self.entry and self.entry.pw_gid,
                extra_groups=self.entry and [],
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def give(self, path: Path) -> None:
        """Make this user the owner of ``path`` and all below it."""
        if self.entry is None:
            return
        for current in [path, *path.rglob("*")]:
            os.chown(current, self.entry.pw_uid, self.entry.pw_gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Say whether this user reaches things in ``folder``."""
        if self.entry is None:
            return True
        return all(path.stat().st_mode & stat.S_IXOTH for path in [folder, *folder.parents])


@contextlib.contextmanager
def postgres(task: dict[str, Any], parent: Parent) -> Iterator[None]:
    """Run a server for as long as the block is active."""
    account = Account()
    with temporary_folder(account) as folder:
        binaries = usable_binaries(Path(task["binaries"]), folder, account)
        initialize(binaries, folder, task["password"], account, parent)
        with started(binaries, folder, task["settings"], account, parent) as port:
            parent.tell({"ready": {"port": port}})
            yield


@contextlib.contextmanager
def temporary_folder(account: Account) -> Iterator[Path]:
    """Make a folder that the account can use, and remove it at the end."""
    places = [Path(name) for name in (tempfile.gettempdir(), *PUBLIC_FOLDERS)]
    place = next((place for place in places if account.can_enter(place)), places[0])
    folder = Path(tempfile.mkdtemp(prefix="alembic-proof-", dir=place)).resolve()
    try:
        account.give(folder)
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder in which dying processes may still be writing."""
    deadline = time.monotonic() + STOP_SECONDS
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists():
        if time.monotonic() > deadline:
            raise TaskError(f"cannot remove {folder}")
        time.sleep(POLL_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def usable_binaries(binaries: Path, folder: Path, account: Account) -> Path:
    """Return a folder of programs that the account may run: a copy, if it cannot reach these.

    A virtual environment below /root is out of the account's reach, and opening it to everybody
    is not ours to do.
    """
    executable = (binaries / "postgres").stat().st_mode & stat.S_IXOTH
    if account.entry is None or (executable and account.can_enter(binaries)):
        return binaries
    prefix = binaries.parent
    package = folder / "programs" / prefix.parent.name
    shutil.copytree(
        prefix, package / prefix.name, symlinks=True, ignore=shutil.ignore_patterns("include")
    )
    # A repaired wheel keeps its shared libraries beside the package, and finds them from there.
    libraries = prefix.parent.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, package.with_name(libraries.name))
    account.give(folder / "programs")
    return package / prefix.name / binaries.name


def initialize(
    binaries: Path, folder: Path, password: str, account: Account, parent: Parent
) -> None:
    """Run initdb; raise ``TaskError`` with its words when it fails."""
    password_file = folder / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    account.give(password_file)
    arguments = [str(binaries / "initdb"), "--pgdata", str(folder / "data"), "--username=postgres"]
    arguments += [f"--pwfile={password_file}", "--auth=scram-sha-256", "--no-sync"]
    arguments += ["--no-locale", "--encoding=UTF8"]
    log = folder / "initdb.log"
    process = account.start(arguments, folder, log)
    with ended(process, signal.SIGKILL):
        while process.poll() is None:
            parent.pause(POLL_SECONDS)
        if process.returncode:
            raise TaskError(f"initdb failed: {last_words(log)}")
    password_file.unlink()


@contextlib.contextmanager
def started(
    binaries: Path, folder: Path, settings: dict[str, str], account: Account, parent: Parent
) -> Iterator[int]:
    """Run postgres on a free port of the loopback interface, and yield the port."""
    log = folder / "postgres.log"
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        arguments = [str(binaries / "postgres"), "-D", str(folder / "data")]
        for name, value in {**settings, "port": str(port)}.items():
            arguments += ["-c", f"{name}={value}"]
        process = account.start(arguments, folder, log)
        # SIGQUIT is PostgreSQL's immediate shutdown: the data is thrown away anyhow.
        with ended(process, signal.SIGQUIT):
            if wait_until_ready(process, folder / "data" / "postmaster.pid", parent):
                yield port
                return
        if "could not bind" not in log.read_text(errors="replace"):
            break
    raise TaskError(f"PostgreSQL did not start: {last_words(log)}")


def wait_until_ready(process: subprocess.Popen[bytes], pid_file: Path, parent: Parent) -> bool:
    """Wait for the eighth line of postmaster.pid, which says when connections are accepted."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            lines = pid_file.read_text().splitlines()
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return True
        if time.monotonic() > deadline:
            raise TaskError(f"PostgreSQL did not accept connections within {START_SECONDS} s")
        parent.pause(POLL_SECONDS)
    return False


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes], polite: signal.Signals) -> Iterator[None]:
    """End the process when the block ends, with SIGKILL if the polite signal does not do."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, polite)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def die_with_parent() -> None:
    """Let the kernel send SIGQUIT to this child should the keeper itself be killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def free_port() -> int:
    """Return a port that nobody used a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def last_words(log: Path) -> str:
    """Return what a program said before it died."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return "; ".join(line for line in lines[-5:] if line) or "it said nothing"


@contextlib.contextmanager
def container(task: dict[str, Any], parent: Parent) -> Iterator[None]:
    """Remove the container when the block ends, should it exist by then."""
    from docker.errors import APIError, NotFound
    from testcontainers.core.docker_client import DockerClient

    containers = DockerClient().client.containers

    def removed() -> bool:
        try:
            containers.get(task["name"]).remove(force=True, v=True)
        except NotFound:
            return False
        except APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise TaskError(f"cannot remove container {task['name']}: {error}") from error
        return True

    patience = UNSETTLED_SECONDS
    try:
        parent.tell({"ready": {}})
        parent.read()
        patience = 0
        yield
    finally:
        deadline = time.monotonic() + patience
        while not removed() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def databases(task: dict[str, Any], parent: Parent) -> Iterator[None]:
    """Drop the databases with the prefix when the block ends."""
    import psycopg
    from psycopg import sql

    try:
        parent.tell({"ready": {}})
        yield
    finally:
        try:
            with psycopg.connect(**task["connection"], autocommit=True) as connection:
                force = " WITH (FORCE)" if connection.info.server_version >= 130_000 else ""
                names = connection.execute(
                    "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
                    (task["prefix"],),
                ).fetchall()
                for (name,) in names:
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                        (name,),
                    )
                    connection.execute(
                        sql.SQL(f"DROP DATABASE {{}}{force}").format(sql.Identifier(name))
                    )
        except psycopg.Error as error:
            raise TaskError(f"cannot drop databases {task['prefix']}*: {error}") from error


TASKS: dict[str, Callable[[dict[str, Any], Parent], contextlib.AbstractContextManager[None]]] = {
    "postgres": postgres,
    "container": container,
    "databases": databases,
}


def main() -> int:
    """Do the task, wait for the parent to go, clean up; return the exit status."""
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    parent = Parent()
    signal.signal(signal.SIGTERM, parent.leave)
    try:
        task = parent.read()
        with TASKS[task["kind"]](task, parent):
            while True:
                parent.read()
    except ParentGoneError:
        return 0
    except Exception as error:  # noqa: BLE001  # the parent reports it, whatever it is
        parent.tell({"error": str(error) or repr(error)})
        return 1


if __name__ == "__main__":
    sys.exit(main())
