"""Owns the promise that a migration reaches nothing but the sandbox.

Every PostgreSQL driver that is installed is imported before the project is, and the one function
through which all its connections are made is wrapped: whatever address, user, password or
certificate the caller gives is replaced by the sandbox's, and everything else (options, timeouts,
row factories) is kept. That covers SQLAlchemy in all its forms, ``creator=`` functions, pools, and
code that calls the driver itself. SQLAlchemy's ``do_connect`` event then refuses what is no
PostgreSQL and drivers that could not be wrapped.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from .target import Target

ADDRESS_PARAMETERS = frozenset(
    {
        "dsn",
        "host",
        "hostaddr",
        "port",
        "user",
        "password",
        "passfile",
        "dbname",
        "database",
        "service",
        "servicefile",
        "channel_binding",
        "require_auth",
        "requirepeer",
        "requiressl",
        "direct_tls",
        "krbsrvname",
        "target_session_attrs",
        "load_balance_hosts",
        "replication",
        "source_address",
        "unix_sock",
        "sock",
    }
)
"""Connection parameters, over all drivers, that say where to connect or how to log in there."""

ADDRESS_PREFIXES = ("ssl", "gss")


class RefusedConnectionError(Exception):
    """The project tried to reach something that the sandbox does not replace."""


def redirect_drivers(target: Target) -> dict[str, str]:
    """Wrap every driver that is installed; return the version of each, by name."""
    versions = {}
    for name, wrap in _WRAPPERS.items():
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        wrap(module, target)
        versions[name] = str(getattr(module, "__version__", "unknown")).split(" ")[0]
    return versions


def refuse_other_databases(wrapped: list[str]) -> None:
    """Let SQLAlchemy connect only to PostgreSQL, and only through drivers that are wrapped."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def refuse(dialect: Any, *_: Any) -> None:
        if dialect.name != "postgresql":
            raise RefusedConnectionError(
                f"the project connects to {dialect.name}, but the gate runs migrations on PostgreSQL"
            )
        driver = str(dialect.driver)
        if driver not in wrapped and driver.rsplit("_async", 1)[0] not in wrapped:
            raise RefusedConnectionError(
                "the driver {} cannot be redirected to the sandbox; these can: {}".format(
                    driver, ", ".join(_WRAPPERS)
                )
            )

    event.listen(Engine, "do_connect", refuse)


def keep(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that do not say where to connect."""
    return {
        name: value
        for name, value in parameters.items()
        if name not in ADDRESS_PARAMETERS and not name.startswith(ADDRESS_PREFIXES)
    }


def _wrap_psycopg(module: ModuleType, target: Target) -> None:
    conninfo_to_dict = module.conninfo.conninfo_to_dict

    def wrapper(original: Callable[..., Any]) -> Any:
        def connect(cls: type, conninfo: str = "", **parameters: Any) -> Any:
            given = {**conninfo_to_dict(conninfo), **parameters}
            return original(cls, "", **{**keep(given), **target.for_libpq()})

        wrapped: Any = connect
        return classmethod(wrapped)

    for connection in (module.Connection, module.AsyncConnection):
        connection.connect = wrapper(connection.__dict__["connect"].__func__)
    module.connect = module.Connection.connect  # type: ignore[attr-defined]


def _wrap_psycopg2(module: ModuleType, target: Target) -> None:
    original = module._connect
    extensions = module.extensions

    def connect(dsn: str, *arguments: Any, **options: Any) -> Any:
        given = keep(extensions.parse_dsn(dsn))
        redirected = extensions.make_dsn(**{**given, **target.for_libpq()})
        return original(redirected, *arguments, **options)

    module._connect = connect  # type: ignore[attr-defined]


def _wrap_asyncpg(module: ModuleType, target: Target) -> None:
    connection = sys.modules["asyncpg.connection"]
    original = connection.connect

    async def connect(_dsn: Any = None, **parameters: Any) -> Any:
        return await original(**{**keep(parameters), **target.for_asyncpg()})

    connection.connect = connect  # type: ignore[attr-defined]
    module.connect = connect  # type: ignore[attr-defined]


def _wrap_pg8000(module: ModuleType, target: Target) -> None:
    core = importlib.import_module(module.__name__ + ".core")
    original = core.CoreConnection.__init__
    signature = inspect.signature(original)
    address = {
        name: None
        for name in signature.parameters
        if name in ADDRESS_PARAMETERS or name.startswith(ADDRESS_PREFIXES)
    }

    def initialize(self: Any, *arguments: Any, **parameters: Any) -> None:
        given = signature.bind_partial(self, *arguments, **parameters).arguments
        given.pop("self")
        original(self, **{**given, **address, **target.for_pg8000()})

    core.CoreConnection.__init__ = initialize


_WRAPPERS: dict[str, Callable[[ModuleType, Target], None]] = {
    "psycopg": _wrap_psycopg,
    "psycopg2": _wrap_psycopg2,
    "asyncpg": _wrap_asyncpg,
    "pg8000": _wrap_pg8000,
}
