"""Starts a throw-away server in a Docker container; alone imports testcontainers.

``testcontainers`` finds the daemon (contexts, rootless sockets, ``DOCKER_HOST``, its own properties
file) and runs its reaper unless TESTCONTAINERS_RYUK_DISABLED is set; the keeper removes the
container in either case.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import psycopg

from alembic_proof.errors import ServerError
from alembic_proof.gate.servers.base import ConnectionParameters, Server, unique_prefix
from alembic_proof.gate.servers.keeper import Keeper
from alembic_proof.gate.servers.settings import SETTINGS

if TYPE_CHECKING:
    from docker import DockerClient as Docker
    from testcontainers.core.container import DockerContainer

DEFAULT_MAJOR = 18
"""The major to pull when none is asked for and no ``postgres`` image is present."""

ANSWER_SECONDS = 10
PULL_SECONDS = 600
START_SECONDS = 120
POLL_SECONDS = 0.05
POSTGRES_PORT = 5432


def start_container(
    *, major: int | None, tell: Callable[[str], None], notes: tuple[str, ...] = ()
) -> Server:
    """Start ``postgres:<major>``; without a major, the newest such image that is present.

    ``tell`` hears about a pull before it begins. Raises ``ServerError`` when Docker does not
    answer, the image cannot be had, or the server in it does not start.
    """
    image = _present_image(major, tell)
    name = unique_prefix()
    password = secrets.token_urlsafe(16)
    keeper = Keeper({"kind": "container", "name": name})
    try:
        keeper.answer()
        container = _describe_container(image, name, password)
        with closing(container.get_docker_client().client):
            administrator = _run(container, password, keeper)
            _wait_until_ready(container, administrator)
        return Server(
            administrator, origin=f"Docker image {container.image}", keeper=keeper, notes=notes
        )
    except BaseException:
        keeper.abandon()
        raise


def _present_image(major: int | None, tell: Callable[[str], None]) -> str:
    """Return the name of the image to run, having checked that it is there or pulled it."""
    try:
        from docker.errors import DockerException, ImageNotFound
        from requests.exceptions import RequestException
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.docker_client import DockerClient
    except ImportError as error:
        raise ServerError(
            f"Python package {error.name} is not installed",
            hint="pip install 'alembic-proof[gate]'",
        ) from error
    try:
        with closing(DockerClient(timeout=ANSWER_SECONDS).client) as docker:
            image = f"postgres:{major or _newest_present(docker) or DEFAULT_MAJOR}"
            full_name = testcontainers_config.hub_image_name_prefix + image
            with suppress(ImageNotFound):
                docker.images.get(full_name)
                return image
    except (DockerException, RequestException) as error:
        raise ServerError(
            f"no Docker daemon answers ({_reason(error)})",
            hint="start Docker, or set DOCKER_HOST to a daemon that this user may use",
        ) from error
    tell(f"pulling the Docker image {full_name}")
    try:
        with closing(DockerClient(timeout=PULL_SECONDS).client) as docker:
            docker.images.pull(full_name)
    except (DockerException, RequestException) as error:
        raise ServerError(
            f"Docker does not have the image {full_name} and cannot pull it ({_reason(error)})",
            hint=f"docker pull {full_name}",
        ) from error
    return image


def _newest_present(docker: Docker) -> int | None:
    tags = [tag for image in docker.images.list() for tag in image.tags]
    majors = [int(match[1]) for tag in tags if (match := re.fullmatch(r"postgres:(\d+)", tag))]
    return max(majors, default=None)


def _describe_container(image: str, name: str, password: str) -> DockerContainer:
    from testcontainers.core.container import DockerContainer

    command = "postgres " + " ".join(f"-c {key}={value}" for key, value in SETTINGS.items())
    return (
        DockerContainer(image, command=command, name=name)
        .with_env("POSTGRES_PASSWORD", password)
        .with_env("POSTGRES_INITDB_ARGS", "--no-sync --no-locale --encoding=UTF8")
        .with_exposed_ports(POSTGRES_PORT)
    )


def _run(container: DockerContainer, password: str, keeper: Keeper) -> ConnectionParameters:
    """Create and start the container; tell the keeper as soon as creation is over."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        container.start()
        administrator = ConnectionParameters(
            host=container.get_container_host_ip(),
            port=int(container.get_exposed_port(POSTGRES_PORT)),
            user="postgres",
            password=password,
            database="postgres",
        )
    except (DockerException, RequestException, OSError) as error:
        keeper.settled()
        raise ServerError(
            f"Docker cannot start {container.image} ({_reason(error)})",
            hint="if the image named is that of testcontainers' reaper, set "
            "TESTCONTAINERS_RYUK_DISABLED=true: the container is removed without it too",
        ) from error
    keeper.settled()
    return administrator


def _wait_until_ready(container: DockerContainer, administrator: ConnectionParameters) -> None:
    """Connect until it works; raise ``ServerError`` when the container stops or time is up."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(**administrator.for_libpq(), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            wrapped = container.get_wrapped_container()
            wrapped.reload()
            if wrapped.status == "running" and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
                continue
            log = wrapped.logs(tail=5).decode(errors="replace").strip()
            raise ServerError(
                f"PostgreSQL in the Docker image {container.image} does not start: {log}",
                hint=f"docker run --rm -e POSTGRES_PASSWORD=x {container.image}",
            ) from error
        return


def _reason(error: Exception) -> str:
    """Return the daemon's own words where there are any, else the first line of the error."""
    text = str(getattr(error, "explanation", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__
