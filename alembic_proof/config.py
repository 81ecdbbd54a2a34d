"""Owns our own configuration: the keys, their types and defaults, where it is found, how it is checked.

``[tool.alembic-proof]`` of the nearest pyproject.toml that has that table, or ``alembic-proof.toml``,
at or above a folder and within its repository.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args

import msgspec

from alembic_proof.errors import ConfigError
from alembic_proof.findings import Finding, Severity

_TABLE = "tool.alembic-proof"
_OWN_FILE = "alembic-proof.toml"
_CODE_OR_BEGINNING = re.compile(r"AP\d*")

_Strings = Annotated[tuple[str, ...], msgspec.Meta(description="a list of strings")]
_String = Annotated[str | None, msgspec.Meta(description="a string")]


class Config(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The settings of one run, each with its default.

    ``postgres`` is the major version of the production servers, None when it is not configured.
    ``select`` and ``ignore`` hold rule names, codes or beginnings of codes (``AP1``). ``fail_on`` is
    the severity from which a run fails. ``severity`` gives rules another severity. ``since`` is the
    revision that production is at, ``diff_base`` the git ref to compare with. ``exclude`` holds globs
    relative to ``source``'s folder. ``python`` is the project's interpreter, ``server`` the URL of a
    server for the gate, ``time_limit`` seconds that one revision may run there. ``source`` is the
    file that was read and ``origins`` says where each value that is not a default comes from.
    """

    postgres: Annotated[
        Annotated[int, msgspec.Meta(ge=12, le=18)] | None,
        msgspec.Meta(description="a whole number from 12 to 18"),
    ] = None
    select: _Strings = ()
    ignore: _Strings = ()
    fail_on: Annotated[
        Severity, msgspec.Meta(description='one of "error", "warning" and "info"')
    ] = Severity.WARNING
    severity: Annotated[
        dict[str, Severity],
        msgspec.Meta(description='a table of rule = "error", "warning" or "info"'),
    ] = msgspec.field(default_factory=dict)
    since: _String = None
    diff_base: _String = None
    exclude: _Strings = ()
    python: _String = None
    server: _String = None
    time_limit: Annotated[
        Annotated[float, msgspec.Meta(gt=0)],
        msgspec.Meta(description="a number of seconds above 0"),
    ] = 600.0

    source: Path | None = None
    origins: Mapping[str, str] = MappingProxyType({})

    def adjusted(self, finding: Finding) -> Finding:
        """The finding with the severity that is configured for its rule, by name or code."""
        for written, level in self.severity.items():
            if written.lower() in (finding.rule, finding.code.lower()):
                return msgspec.structs.replace(finding, severity=level)
        return finding

    def excludes(self, path: Path) -> bool:
        """Whether ``exclude`` names this absolute path or a folder it lies in."""
        if self.source is None or not path.is_relative_to(self.source.parent):
            return False
        relative = path.relative_to(self.source.parent)
        names = [place.as_posix() for place in (relative, *relative.parents)][:-1]
        return any(
            fnmatch.fnmatchcase(name, pattern.rstrip("/"))
            for name in names
            for pattern in self.exclude
        )


def load_config(root: Path) -> Config:
    """The configuration that holds for a folder; the defaults when there is none.

    Raises:
        ConfigError: a file cannot be read, or has an unknown key or a wrong value; or two files of
            one folder both configure us.

    """
    top = Path(os.path.abspath(root))  # noqa: PTH100 - Path.absolute() keeps ".."
    for folder in (top, *top.parents):
        found = [
            item for item in (_own_file(folder / _OWN_FILE), _pyproject(folder)) if item is not None
        ]
        if len(found) > 1:
            raise ConfigError(
                f"{found[0][0]} and [{_TABLE}] in {found[1][0]} both hold settings",
                hint="keep one of them",
            )
        if found:
            file, table, where = found[0]
            return _convert(table, file, where)
        if (folder / ".git").exists():
            break
    return Config()


def read_config(file: Path) -> Config:
    """The configuration in one given file: a pyproject.toml, or a file of our keys alone.

    Raises:
        ConfigError: it does not exist, holds none of our settings, or has a mistake.

    """
    full = Path(os.path.abspath(file))  # noqa: PTH100 - Path.absolute() keeps ".."
    found = _pyproject(full.parent) if full.name == "pyproject.toml" else _own_file(full)
    if found is None:
        reason = f"has no settings in [{_TABLE}]" if full.is_file() else "does not exist"
        raise ConfigError(
            f"{file} {reason}", hint=f"give a pyproject.toml with [{_TABLE}], or an {_OWN_FILE}"
        )
    return _convert(found[1], found[0], found[2])


def override(config: Config, values: Mapping[str, object], *, origin: str) -> Config:
    """The configuration with other values, by their keys as configured; None leaves a key alone.

    Raises:
        ConfigError: a key is unknown or a value has the wrong type.

    """
    given = {key: value for key, value in values.items() if value is not None}
    fields = {_field_name(key, origin): _value(key, value, origin) for key, value in given.items()}
    origins = {**config.origins, **dict.fromkeys(given, origin)}
    return msgspec.structs.replace(config, **fields, origins=MappingProxyType(origins))


def check_rule_names(config: Config, known: Collection[str]) -> None:
    """Refuse rules in ``select``, ``ignore`` and ``severity`` that do not exist.

    ``known`` holds every rule's name and code. Names are written in lower case and codes in upper
    case there; here either will do. ``select`` and ``ignore`` may hold the beginning of codes.

    Raises:
        ConfigError: a name is neither a rule, a code nor the beginning of a code.

    """
    for key in ("select", "ignore", "severity"):
        for written in getattr(config, key):
            if written.lower() in known or written.upper() in known:
                continue
            if key != "severity" and any(_begins(code, written.upper()) for code in known):
                continue
            origin = config.origins.get(key, "configuration")
            near = difflib.get_close_matches(written, known, n=1)
            raise ConfigError(
                f"{origin}: {key} names {written!r}, which is not a rule",
                hint=f"did you mean {near[0]!r}?" if near else "`alembic-proof rules` lists them",
            )


def _begins(code: str, written: str) -> bool:
    return _CODE_OR_BEGINNING.fullmatch(written) is not None and code.startswith(written)


def describe(config: Config) -> list[tuple[str, str, str]]:
    """Every key with its value as TOML would write it and the origin of that value."""
    return [
        (key, _as_toml(getattr(config, name)), config.origins.get(key, "default"))
        for key, name in _keys().items()
    ]


def _own_file(file: Path) -> tuple[Path, dict[str, Any], str] | None:
    table = _toml(file)
    return None if table is None else (file, table, str(file))


def _pyproject(folder: Path) -> tuple[Path, dict[str, Any], str] | None:
    file = folder / "pyproject.toml"
    tool = (_toml(file, mentioning="alembic-proof") or {}).get("tool", {})
    table = tool.get("alembic-proof") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {_TABLE} is not a table", hint=f"write [{_TABLE}]")
    return file, table, f"{file} [{_TABLE}]"


def _toml(file: Path, mentioning: str = "") -> dict[str, Any] | None:
    """A TOML file; None when it does not exist or does not mention us, and need not be parsed."""
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(
            f"cannot read {file}: {error.strerror}", hint="check the file's permissions"
        ) from error
    if mentioning.encode() not in data:
        return None
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", hint="correct the file") from error


def _convert(table: Mapping[str, object], file: Path, where: str) -> Config:
    fields = {_field_name(key, where): _value(key, value, where) for key, value in table.items()}
    origins = MappingProxyType(dict.fromkeys(table, where))
    return msgspec.structs.replace(Config(), **fields, source=file, origins=origins)


def _keys() -> dict[str, str]:
    """The configurable keys, in order, with the names of their fields."""
    return {
        field.encode_name: field.name
        for field in msgspec.structs.fields(Config)
        if field.name not in ("source", "origins")
    }


def _field_name(key: str, where: str) -> str:
    keys = _keys()
    if key in keys:
        return keys[key]
    near = difflib.get_close_matches(key.replace("_", "-").lower(), keys, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(keys)}"
    raise ConfigError(f"{where}: unknown key {key!r}", hint=hint)


def _value(key: str, value: object, where: str) -> object:
    annotation = next(
        field.type for field in msgspec.structs.fields(Config) if field.encode_name == key
    )
    try:
        return msgspec.convert(value, annotation, strict=True)
    except msgspec.ValidationError as error:
        expected = _description(annotation)
        raise ConfigError(
            f"{where}: {key} must be {expected}, found {_kind(value)} {_as_toml(value)}",
            hint="correct the value",
        ) from error


def _description(annotation: Any) -> str:
    meta = get_args(annotation)[-1]
    return str(meta.description)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "the boolean"
        case int() | float():
            return "the number"
        case str():
            return "the string"
        case list() | tuple():
            return "the list"
        case dict():
            return "the table"
        case _:
            return "the value"


def _as_toml(value: object) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case str():
            return msgspec.json.encode(str(value)).decode()
        case list() | tuple():
            return f"[{', '.join(map(_as_toml, value))}]"
        case dict():
            inner = ", ".join(f"{key} = {_as_toml(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case _:
            return str(value)
