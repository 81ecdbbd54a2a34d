"""Fixtures that all tests share: PostgreSQL servers, databases on them, Alembic projects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from docker import DockerClient

from alembic_proof.errors import ServerError
from alembic_proof.gate.servers.base import Server
from tests.projects import AlembicProject, write_project
from tests.servers import (
    MAJORS,
    BuildDatabase,
    FreshDatabase,
    TemplateDatabase,
    docker_with_image,
    shared_server,
    unavailable,
)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run see."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def postgres15(run_folder: Path) -> Iterator[Server]:
    """A PostgreSQL 15 for this test run."""
    yield from _server_or_skip(15, run_folder)


@pytest.fixture(scope="session")
def postgres18(run_folder: Path) -> Iterator[Server]:
    """A PostgreSQL 18 for this test run."""
    yield from _server_or_skip(18, run_folder)


@pytest.fixture(scope="session", params=MAJORS, ids=lambda major: f"postgres{major}")
def server(request: pytest.FixtureRequest) -> Server:
    """Each server in turn: the test runs once on every major."""
    chosen: Server = request.getfixturevalue(f"postgres{request.param}")
    return chosen


@pytest.fixture(scope="session")
def docker() -> Iterator[DockerClient]:
    """The Docker daemon; it has the image postgres:15."""
    with closing(docker_with_image("postgres:15")) as client:
        yield client


@pytest.fixture
def fresh_database() -> Iterator[FreshDatabase]:
    """Make databases that are dropped after the test: empty, or clones of a template."""
    made: list[tuple[Server, str]] = []

    def make(server: Server, *, template: str | None = None) -> str:
        name = server.create_database(template=template)
        made.append((server, name))
        return name

    yield make
    for server, name in made:
        server.drop_database(name)


@pytest.fixture(scope="session")
def template_database() -> TemplateDatabase:
    """Build databases to be cloned, once for each server and building function.

    They go when the server goes.
    """
    made: dict[tuple[Server, BuildDatabase], str] = {}

    def template(server: Server, build: BuildDatabase) -> str:
        if (server, build) not in made:
            name = made[server, build] = server.create_database()
            with server.connect(name) as connection:
                build(connection)
        return made[server, build]

    return template


@pytest.fixture
def alembic_project(tmp_path: Path) -> AlembicProject:
    """Write Alembic projects below this test's folder; see ``tests.projects.write_project``."""

    def write(
        revisions: dict[str, str],
        *,
        environment: str = "sync",
        transaction_per_migration: bool = False,
        name: str = "project",
    ) -> Path:
        return write_project(
            tmp_path / name,
            revisions,
            environment=environment,
            transaction_per_migration=transaction_per_migration,
        )

    return write


def _server_or_skip(major: int, folder: Path) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(shared_server(major, folder))
        except ServerError as error:
            unavailable(f"needs PostgreSQL {major}: {error}")
        yield server
