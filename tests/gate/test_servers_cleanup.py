"""Nothing is left behind: not at the end, and not when the process that started it is killed.

Every test starts a server in a process of its own, which reports what there is to find, ends that
process in one way or another, and polls until all of it has gone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from docker import DockerClient

from alembic_proof.errors import ServerError
from alembic_proof.gate.servers.base import Server
from alembic_proof.gate.servers.container import start_container
from alembic_proof.gate.servers.keeper import Keeper
from alembic_proof.gate.servers.local import installed_binaries
from alembic_proof.gate.servers.named import use_named_server

PATIENCE_SECONDS = 30

HOLD = """
import json, sys
from alembic_proof.gate.servers.choose import start_server

with start_server(**json.loads(sys.argv[1])) as server:
    name = server.create_database()
    connection = server.connect(name)
    row = connection.execute("SELECT pg_backend_pid(), current_setting('data_directory')").fetchone()
    keeper = server._keeper._process.pid if server._keeper else None
    print(json.dumps([name, server.parameters(name).for_libpq(), *row, keeper]), flush=True)
    sys.stdin.read()
"""

HOLD_AND_FORK = HOLD.replace("    print(", "    import os\n    if os.fork(): print(")

START_AND_WAIT = """
import json, sys
from alembic_proof.gate.servers.keeper import Keeper

keeper = Keeper(json.loads(sys.argv[1]))
print(keeper._process.pid, flush=True)
sys.stdin.read()
"""

only_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="looks at processes in a way that only Linux has"
)


@dataclass(frozen=True, slots=True)
class Held:
    """A process that holds a server, and what it told about it."""

    process: subprocess.Popen[str]
    database: str
    connection: dict[str, Any]
    backend_pid: int
    data_directory: Path
    keeper_pid: int


@contextmanager
def holding(script: str = HOLD, **choice: object) -> Iterator[Held]:
    """Run a process in a session of its own that starts a server and waits."""
    with subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(choice)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        database, connection, backend, data_directory, keeper = json.loads(
            process.stdout.readline()
        )
        try:
            yield Held(process, database, connection, backend, Path(data_directory), keeper)
        finally:
            with suppress(ProcessLookupError):
                process.kill()


ENDINGS: dict[str, Callable[[subprocess.Popen[str]], None]] = {
    "normal": lambda process: process.stdin.close() if process.stdin else None,
    "SIGINT": lambda process: os.killpg(process.pid, signal.SIGINT),
    "SIGTERM": lambda process: os.killpg(process.pid, signal.SIGTERM),
    "SIGHUP": lambda process: os.killpg(process.pid, signal.SIGHUP),
    "SIGKILL": lambda process: os.killpg(process.pid, signal.SIGKILL),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("origin", ["local", "embedded"])
def test_server_and_folder_go_with_the_process(origin: str, ending: str) -> None:
    with holding(prefer=[origin]) as held:
        assert held.data_directory.exists()
        ENDINGS[ending](held.process)
        held.process.wait(PATIENCE_SECONDS)
        _poll(lambda: not _alive(held.backend_pid), "the server")
        _poll(lambda: not held.data_directory.parent.exists(), "the folder")
        _poll(lambda: not _alive(held.keeper_pid), "the keeper")


def test_server_goes_although_a_fork_inherited_the_keepers_input() -> None:
    with holding(HOLD_AND_FORK, prefer=["local"]) as held:
        held.process.kill()
        held.process.wait(PATIENCE_SECONDS)
        _poll(lambda: not held.data_directory.parent.exists(), "the folder")
        os.killpg(held.process.pid, signal.SIGKILL)


@only_linux
def test_server_stops_when_the_keeper_is_killed() -> None:
    with holding(prefer=["local"]) as held:
        os.kill(held.keeper_pid, signal.SIGKILL)
        _poll(lambda: not _alive(held.backend_pid), "the server")
        subprocess.run(["rm", "-rf", held.data_directory.parent], check=True)


def test_keeper_cleans_up_when_the_machine_shuts_down() -> None:
    with holding(prefer=["local"]) as held:
        os.kill(held.keeper_pid, signal.SIGTERM)
        _poll(lambda: not held.data_directory.parent.exists(), "the folder")
        assert not _alive(held.backend_pid)


@only_linux
def test_nothing_is_left_when_the_parent_dies_during_initdb() -> None:
    binaries = installed_binaries()[0].folder
    task = {"kind": "postgres", "binaries": str(binaries), "password": "x", "settings": {}}
    with subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, json.dumps(task)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        keeper_pid = int(process.stdout.readline())
        children = Path(f"/proc/{keeper_pid}/task/{keeper_pid}/children")
        _poll(lambda: children.read_text() != "", "initdb", gone=False)
        initdb_pid = int(children.read_text().split()[0])
        directory = Path(f"/proc/{initdb_pid}/cwd")
        _poll(lambda: directory.readlink().name.startswith("alembic-proof-"), "initdb", gone=False)
        folder = directory.readlink()
        process.kill()
        _poll(lambda: not _alive(keeper_pid), "the keeper")
    assert not folder.exists()
    assert not _alive(initdb_pid)


@pytest.mark.parametrize("ending", ["normal", "SIGINT", "SIGKILL"])
def test_databases_on_a_named_server_go_with_the_process(ending: str, postgres15: Server) -> None:
    url = postgres15.parameters("postgres").url()
    with holding(url=url) as held:
        assert held.database in _databases(postgres15)
        assert held.database.startswith("alembic_proof_")
        ENDINGS[ending](held.process)
        held.process.wait(PATIENCE_SECONDS)
        _poll(lambda: held.database not in _databases(postgres15), "the database")


def test_other_databases_of_a_named_server_are_left_alone(postgres15: Server) -> None:
    theirs = postgres15.create_database()
    try:
        named = use_named_server(postgres15.parameters("postgres").url())
        assert named.create_database("shop").endswith("_shop")
        with pytest.raises(ServerError, match="was not made here"):
            named.drop_database(theirs)
        named.stop()
        named.stop()
        assert theirs in _databases(postgres15)
    finally:
        postgres15.drop_database(theirs)


@pytest.mark.parametrize("ending", ["normal", "SIGINT", "SIGKILL"])
def test_container_goes_with_the_process(ending: str, docker: DockerClient) -> None:
    with holding(prefer=["docker"], major=15) as held:
        with psycopg.connect(**held.connection) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert _containers(docker, held.process.pid)
        ENDINGS[ending](held.process)
        held.process.wait(PATIENCE_SECONDS)
        _poll(lambda: not _containers(docker, held.process.pid), "the container")


def test_container_created_after_its_creator_was_killed_goes_too(docker: DockerClient) -> None:
    name = f"alembic_proof_late_{os.getpid()}"
    keeper = Keeper({"kind": "container", "name": name})
    keeper.answer()
    docker.containers.create("postgres:15", name=name)
    keeper.close()
    assert not docker.containers.list(all=True, sparse=True, filters={"name": name})


@pytest.mark.usefixtures("docker")
def test_missing_image_is_named_with_what_to_do() -> None:
    heard: list[str] = []
    with pytest.raises(ServerError, match="does not have the image postgres:9999") as error:
        start_container(major=9999, tell=heard.append)
    assert error.value.hint == "docker pull postgres:9999"
    assert heard == ["pulling the Docker image postgres:9999"]


def _containers(docker: DockerClient, pid: int) -> list[Any]:
    return list(
        docker.containers.list(all=True, sparse=True, filters={"name": f"alembic_proof_{pid}_"})
    )


def _poll(condition: Callable[[], bool], what: str, *, gone: bool = True) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} is {'still' if gone else 'not'} there"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    """Say whether a process runs; a zombie waiting for its parent does not."""
    try:
        os.kill(pid, 0)
        if sys.platform != "linux":
            return True
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def _databases(server: Server) -> set[str]:
    with server.connect() as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
