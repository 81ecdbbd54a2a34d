"""Owns the environment variables and settings that the project sees in place of its own addresses.

An untouched env.py reads its URL from somewhere. Whatever holds a PostgreSQL URL is made to name
the sandbox, also for programs that a migration starts; the usual variables are set when they are
missing, because many env.py do nothing without one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from .target import Target

URL_VARIABLES = (
    "DATABASE_URL",
    "DATABASE_URI",
    "DB_URL",
    "DB_URI",
    "DB_DSN",
    "POSTGRES_URL",
    "POSTGRES_DSN",
    "SQLALCHEMY_DATABASE_URI",
    "SQLALCHEMY_DATABASE_URL",
    "SQLALCHEMY_URL",
)
_POSTGRESQL_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://")


def redirected_variables(
    environment: Mapping[str, str], target: Target, scheme: str
) -> dict[str, str]:
    """Return the environment in which everything that names a database names the sandbox.

    URLs keep their scheme, because it selects the driver, and their ``options``. ``scheme`` is that
    of the URLs made up for variables that are not set.
    """
    made_up = {name: target.url(scheme) for name in URL_VARIABLES}
    made_up.update(_address_variables(target))
    kept = {
        name: redirected_url(value, target) if _POSTGRESQL_URL.match(value) else value
        for name, value in environment.items()
        if not belongs_to_libpq(name)
    }
    return {**made_up, **kept, **_libpq_variables(target)}


def redirected_url(url: str, target: Target) -> str:
    """Return the sandbox's URL with the scheme and the ``options`` of ``url``."""
    parts = urlsplit(url)
    options = [pair for pair in parse_qsl(parts.query) if pair[0] == "options"]
    redirected = target.url(parts.scheme)
    if not options:
        return redirected
    return redirected + ("&" if "?" in redirected else "?") + urlencode(options)


def is_postgresql_url(url: str) -> bool:
    """Whether a URL names PostgreSQL; a placeholder or another database does not."""
    return _POSTGRESQL_URL.match(url) is not None


def scheme_for(env_py: str, installed: list[str]) -> str:
    """Return the URL scheme that an env.py with this text can use."""
    is_async = "create_async_engine" in env_py or "async_engine_from_config" in env_py
    preferred = ("asyncpg", "psycopg") if is_async else ("psycopg2", "psycopg", "pg8000")
    driver = next((name for name in preferred if name in installed), preferred[0])
    return "postgresql+" + driver


def belongs_to_libpq(name: str) -> bool:
    """Whether a variable is one that libpq reads, such as PGHOST or PGSERVICE."""
    return name.startswith("PG") and name[2:].isalpha()


def _libpq_variables(target: Target) -> dict[str, str]:
    return {
        "PGHOST": target.host,
        "PGPORT": str(target.port),
        "PGUSER": target.user,
        "PGPASSWORD": target.password,
        "PGDATABASE": target.database,
    }


def _address_variables(target: Target) -> dict[str, str]:
    values = {
        "HOST": target.host,
        "PORT": str(target.port),
        "USER": target.user,
        "PASSWORD": target.password,
        "NAME": target.database,
    }
    variables = {prefix + name: values[name] for prefix in ("DB_", "DATABASE_") for name in values}
    variables.update({"POSTGRES_" + name: value for name, value in values.items()})
    variables.update({"POSTGRES_DB": target.database, "POSTGRES_SERVER": target.host})
    return variables
