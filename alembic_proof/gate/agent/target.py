"""Owns the address of the sandbox in the words of each driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode


class Target:
    """Where the sandbox is: the only database that a migration may reach.

    ``options`` are further libpq parameters (``sslmode`` …) that the server demands.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.host: str = parameters["host"]
        self.port: int = parameters["port"]
        self.user: str = parameters["user"]
        self.password: str = parameters["password"]
        self.database: str = parameters["database"]
        self.options: dict[str, str] = dict(parameters["options"])

    def for_libpq(self) -> dict[str, Any]:
        """The arguments of psycopg and psycopg2."""
        parameters: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": self.database,
            "sslmode": "prefer",
            **self.options,
        }
        if self.password:
            parameters["password"] = self.password
        return parameters

    def for_asyncpg(self) -> dict[str, Any]:
        """The arguments of asyncpg, which understands libpq's names of ``sslmode`` as ``ssl``."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password or None,
            "database": self.database,
            "ssl": self.options.get("sslmode", "prefer"),
        }

    def for_pg8000(self) -> dict[str, Any]:
        """The arguments of pg8000, which takes a socket file where libpq takes its folder."""
        parameters: dict[str, Any] = {
            "user": self.user,
            "password": self.password or None,
            "database": self.database,
            "port": self.port,
        }
        if self.host.startswith("/"):
            parameters["unix_sock"] = f"{self.host}/.s.PGSQL.{self.port}"
        else:
            parameters["host"] = self.host
        if self.options.get("sslmode", "prefer").startswith(("require", "verify")):
            parameters["ssl_context"] = True
        return parameters

    def url(self, scheme: str) -> str:
        """The URL of the sandbox; ``scheme`` names dialect and driver."""
        login = quote(self.user, safe="")
        if self.password:
            login += ":" + quote(self.password, safe="")
        query = dict(self.options)
        address = f"{self.host}:{self.port}"
        if self.host.startswith("/"):
            query.update(host=self.host, port=str(self.port))
            address = ""
        suffix = "?" + urlencode(query) if query else ""
        return f"{scheme}://{login}@{address}/{quote(self.database)}{suffix}"
