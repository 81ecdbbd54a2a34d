"""Owns reading Alembic's own configuration files, option by option as ``alembic.config`` does."""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from alembic_proof.errors import ConfigError

# Sections that logging.config and Alembic's hooks own. They inherit [DEFAULT] like any other.
_NOT_A_DATABASE = re.compile(
    r"(loggers|handlers|formatters|(logger|handler|formatter)_.*|post_write_hooks)$"
)
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}


class AlembicSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one ini section, or of ``[tool.alembic]``, that say where revisions are."""

    file: Path
    section: str = "alembic"
    script_location: str | None = None
    version_locations: tuple[str, ...] = ()
    prepend_sys_path: tuple[str, ...] = ()
    recursive: bool = False

    @property
    def folder(self) -> Path:
        """The folder that ``%(here)s`` means."""
        return self.file.parent

    def or_else(self, other: AlembicSettings) -> AlembicSettings:
        """These options, with those that are not given here taken from the other file."""
        return AlembicSettings(
            file=self.file if self.script_location is not None else other.file,
            section=self.section,
            script_location=self.script_location
            if self.script_location is not None
            else other.script_location,
            version_locations=self.version_locations or other.version_locations,
            prepend_sys_path=self.prepend_sys_path or other.prepend_sys_path,
            recursive=self.recursive or other.recursive,
        )


def read_ini(file: Path) -> tuple[AlembicSettings, ...]:
    """The Alembic sections of an ini file; empty when it has none.

    Raises:
        ConfigError: the file mentions Alembic and cannot be parsed.

    """
    text = _text(file)
    if "script_location" not in text and file.name != "alembic.ini":
        return ()
    parser = configparser.ConfigParser({"here": file.parent.as_posix()})
    try:
        parser.read_string(text, str(file))
    except configparser.Error as error:
        raise ConfigError(
            f"{file} cannot be parsed: {_one_line(error)}", hint="correct the ini file"
        ) from error
    return tuple(
        _section(parser, name, file)
        for name in parser.sections()
        if name == "alembic"
        or (parser.has_option(name, "script_location") and not _NOT_A_DATABASE.match(name))
    )


def read_pyproject(file: Path) -> AlembicSettings | None:
    """The options of ``[tool.alembic]``; None when there is no such file or table.

    Raises:
        ConfigError: the file mentions Alembic and cannot be parsed, or an option has a wrong type.

    """
    if not file.is_file():
        return None
    text = _text(file)
    if "alembic" not in text:
        return None
    try:
        table = tomllib.loads(text).get("tool", {}).get("alembic")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", hint="correct the file") from error
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: tool.alembic is not a table", hint="write [tool.alembic]")
    return AlembicSettings(
        file=file,
        script_location=_string(table, "script_location", file),
        version_locations=_strings(table, "version_locations", file),
        prepend_sys_path=_strings(table, "prepend_sys_path", file),
        recursive=table.get("recursive_version_locations") is True,
    )


def ini_option(file: Path, section: str, option: str, *, raw: bool = False) -> str | None:
    """One option of an ini file, unless ``raw`` interpolated; None when it cannot be had."""
    parser = configparser.ConfigParser({"here": file.parent.as_posix()})
    try:
        parser.read_string(_text(file), str(file))
        return parser.get(section, option, raw=raw)
    except configparser.Error:
        return None


def _section(parser: configparser.ConfigParser, name: str, file: Path) -> AlembicSettings:
    try:
        separator = _separator(parser, name, file)
        return AlembicSettings(
            file=file,
            section=name,
            script_location=parser.get(name, "script_location", fallback=None),
            version_locations=_split(
                parser.get(name, "version_locations", fallback=""), separator, r", *| +"
            ),
            prepend_sys_path=_split(
                parser.get(name, "prepend_sys_path", fallback=""), separator, r", *| +|:"
            ),
            recursive=parser.get(name, "recursive_version_locations", fallback="") == "true",
        )
    except configparser.InterpolationError as error:
        raise ConfigError(
            f"{file}: {_one_line(error)}", hint="write a literal % as %%, or define the option"
        ) from error


def _separator(parser: configparser.ConfigParser, section: str, file: Path) -> str | None:
    for option in ("path_separator", "version_path_separator"):
        value = parser.get(section, option, fallback=None)
        if value is None:
            continue
        # Alembic's own template leaves a remark behind the value of the commented line
        word = value.split("#")[0].strip()
        if word not in _SEPARATORS:
            raise ConfigError(
                f"{file}: {option} is {value!r}",
                hint="it must be one of space, newline, os, ':' and ';'",
            )
        return _SEPARATORS[word]
    return None


def _split(value: str, separator: str | None, legacy: str) -> tuple[str, ...]:
    parts = re.split(legacy, value) if separator is None else value.split(separator)
    return tuple(part.strip() for part in parts if part.strip())


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"cannot read {file}: {error.strerror}", hint="check the file's permissions"
        ) from error


def _string(table: Mapping[str, object], key: str, file: Path) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"{file}: tool.alembic.{key} is not a string", hint="write it in quotes")
    return _interpolated(value, key, file)


def _strings(table: Mapping[str, object], key: str, file: Path) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(
            f"{file}: tool.alembic.{key} is not a list of strings", hint='write ["one", "two"]'
        )
    return tuple(_interpolated(item, key, file) for item in value)


def _interpolated(value: str, key: str, file: Path) -> str:
    try:
        return value % {"here": file.parent.as_posix()}
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{file}: tool.alembic.{key} {value!r} cannot be interpolated",
            hint="only %(here)s has a value; write a literal % as %%",
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
