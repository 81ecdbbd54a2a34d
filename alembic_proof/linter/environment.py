"""Owns what env.py says about how migrations run, read from its text and never executed.

Values are followed through constants, dictionaries and ``**`` of them. What depends on anything else
(settings, environment variables, other modules) is named in ``Environment.unresolved``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import unquote

from alembic_proof.errors import SourceError
from alembic_proof.linter.alembic_config import ini_option
from alembic_proof.project import Environment, Project

_T = TypeVar("_T")
_PYTHON = ".".join(map(str, sys.version_info[:2]))

_VALUE = r"(?P<value>\{[^}]*\}|%\(?\w*\)?s|:\w+|\d[\d.]*\s*[a-z]*)"
_ASSIGNED = rf"[-_]timeout['\"]?\s*(?:=|,|\bto\b)\s*'?{_VALUE}"
_LOCK_TIMEOUT = re.compile(rf"(?:\b|-c)lock{_ASSIGNED}", re.IGNORECASE)
_STATEMENT_TIMEOUT = re.compile(rf"(?:\b|-c)statement{_ASSIGNED}", re.IGNORECASE)
_ADVISORY_LOCK = re.compile(r"pg_(?:try_)?advisory_(?:xact_)?lock(?:_shared)?\b", re.IGNORECASE)
_AUTOCOMMIT = re.compile(r"isolation_level=AUTOCOMMIT$|autocommit=True$")
_ENGINE_MAKERS = frozenset(
    {
        "create_engine",
        "create_async_engine",
        "engine_from_config",
        "async_engine_from_config",
        "create_pool_from_url",
    }
)
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "print"})
_CONFIGURE_KEYWORDS = frozenset(
    {"connection", "url", "target_metadata", "dialect_name", "version_table", "compare_type"}
)


class _Unknown:
    """A value that the text of env.py does not give; ``source`` is how it is written."""

    def __init__(self, node: ast.AST) -> None:
        self.source = ast.unparse(node)


class _Mapping:
    """A dictionary; ``rest`` is how the part is written that could not be followed."""

    def __init__(self, items: Mapping[str, object], rest: str = "") -> None:
        self.items = dict(items)
        self.rest = rest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Mapping) and (self.items, self.rest) == (other.items, other.rest)

    __hash__ = None  # type: ignore[assignment]

    def plus(self, key: str, value: object) -> _Mapping:
        return _Mapping({**self.items, key: value}, self.rest)

    def merged(self, other: object, written: ast.AST) -> _Mapping:
        if isinstance(other, _Mapping):
            return _Mapping({**self.items, **other.items}, self.rest or other.rest)
        return _Mapping(self.items, self.rest or ast.unparse(written))


def read_environment(project: Project) -> Environment:
    """How the project's env.py runs migrations.

    A script directory without env.py, as some packages ship it, is an environment about which
    nothing is known.

    Raises:
        SourceError: env.py exists and cannot be read or is not valid Python.

    """
    file = project.env_py
    try:
        source = file.read_bytes()
    except FileNotFoundError:
        return Environment(unresolved=("there is no env.py",))
    except OSError as error:
        raise SourceError(
            f"cannot read {file}: {error.strerror}", hint="check the file's permissions"
        ) from error
    try:
        tree = ast.parse(source, str(file))
    except (SyntaxError, ValueError) as error:
        if b"\0" not in source and _is_newer_python(source):
            return Environment(unresolved=(f"env.py is not Python {_PYTHON}: {error}",))
        line = getattr(error, "lineno", None) or 1
        raise SourceError(
            f"{file}:{line}: not valid Python: {getattr(error, 'msg', error)}",
            hint="correct the file",
        ) from error
    return _Reader(tree, project).environment()


def _is_newer_python(source: bytes) -> bool:
    """Whether LibCST, which knows the grammars of later versions too, can parse it."""
    import libcst

    try:
        libcst.parse_module(source)
    except (libcst.ParserSyntaxError, UnicodeDecodeError):
        return False
    return True


class _Scopes:
    """Which function each node of env.py lies in, and what is assigned to names there."""

    def __init__(self, tree: ast.Module) -> None:
        self._chains: dict[int, tuple[int, ...]] = {}
        self._assigned: dict[tuple[int, str], list[ast.expr]] = {}
        self._stores: dict[tuple[int, str], int] = {}
        self._additions: dict[tuple[int, str], list[tuple[ast.expr | None, ast.expr]]] = {}
        self._enter(tree, (id(tree),))

    def assigned(self, name: ast.Name) -> list[ast.expr]:
        """Every value that is given to a name; empty when some are not plain assignments."""
        scope = self._scope(name)
        values = self._assigned.get((scope, name.id), [])
        return values if len(values) == self._stores.get((scope, name.id)) else []

    def additions(self, name: ast.Name) -> list[tuple[ast.expr | None, ast.expr]]:
        """Keys and values put into a dictionary after it was made; None is the key of ``update``."""
        return self._additions.get((self._scope(name), name.id), [])

    def _scope(self, name: ast.Name) -> int:
        chain = self._chains.get(id(name), (0,))
        return next((scope for scope in chain if (scope, name.id) in self._stores), chain[-1])

    def _enter(self, node: ast.AST, chain: tuple[int, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            self._chains[id(child)] = chain
            self._note(child, chain[0])
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            self._enter(child, (id(child), *chain) if is_function else chain)

    def _note(self, node: ast.AST, scope: int) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                self._stores[scope, name] = self._stores.get((scope, name), 0) + 1
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assigned.setdefault((scope, name), []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assigned.setdefault((scope, name), []).append(value)
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                self._assigned.setdefault((scope, name), []).append(value)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)]):
                self._additions.setdefault((scope, name), []).append((key, node.value))
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="setdefault"), args=[key, value]
            ):
                self._additions.setdefault((scope, name), []).append((key, value))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="update"), args=[value]):
                self._additions.setdefault((scope, name), []).append((None, value))


class _Values:
    """The values that expressions of env.py have, where its text tells."""

    def __init__(self, tree: ast.Module, project: Project) -> None:
        self._project = project
        self._scopes = _Scopes(tree)
        self._following: set[int] = set()

    def of(self, node: ast.expr) -> object:
        """The value of an expression: a constant, a :class:`_Mapping`, or :class:`_Unknown`."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name():
                return self._named(node)
            case ast.JoinedStr(values=parts):
                return "".join(self._part(part) for part in parts)
            case ast.Dict() | ast.Call(func=ast.Name(id="dict")):
                return self.mapping(node)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._sum(left, right, node)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                start = self.of(left)
                return (
                    start.merged(self.of(right), right)
                    if isinstance(start, _Mapping)
                    else (_Unknown(node))
                )
            case ast.Call(func=ast.Attribute(attr="get_main_option"), args=[option, *default]):
                return self._ini_option(self._project.section, option, default, node)
            case ast.Call(
                func=ast.Attribute(attr="get_section_option"), args=[section, option, *default]
            ):
                return self._ini_option(self.of(section), option, default, node)
            case ast.Attribute(attr="config_ini_section"):
                return self._project.section
        return _Unknown(node)

    def mapping(self, node: ast.Dict | ast.Call) -> _Mapping:
        """The dictionary that a display or a call's keyword arguments make."""
        found = _Mapping({})
        for key, value in _pairs(node):
            found = (
                found.merged(self.of(value), value)
                if key is None
                else found.plus(key, self.of(value))
            )
        return found

    def _named(self, name: ast.Name) -> object:
        nodes = self._scopes.assigned(name)
        if not nodes or id(nodes[0]) in self._following:
            value: object = _Unknown(name)
        else:
            self._following.add(id(nodes[0]))
            values = [self.of(node) for node in nodes]
            self._following.discard(id(nodes[0]))
            same = all(type(item) is type(values[0]) and item == values[0] for item in values)
            value = values[0] if same else _Unknown(name)
        additions = self._scopes.additions(name)
        if not additions:
            return value
        found = value if isinstance(value, _Mapping) else _Mapping({}, name.id)
        for key, node in additions:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                found = found.plus(key.value, self.of(node))
            else:
                found = found.merged(self.of(node), node)
        return found

    def _part(self, part: ast.expr) -> str:
        if isinstance(part, ast.FormattedValue):
            value = self.of(part.value)
            return f"{{{value.source}}}" if isinstance(value, _Unknown) else str(value)
        return str(part.value) if isinstance(part, ast.Constant) else ""

    def _sum(self, left: ast.expr, right: ast.expr, node: ast.expr) -> object:
        first, second = self.of(left), self.of(right)
        if isinstance(first, str) and isinstance(second, str):
            return first + second
        return _Unknown(node)

    def _ini_option(
        self, section: object, option: ast.expr, default: list[ast.expr], node: ast.expr
    ) -> object:
        file, name = self._project.config_file, self.of(option)
        if file is None or not isinstance(name, str) or not isinstance(section, str):
            return _Unknown(node)
        value = ini_option(file, section, name)
        if value is not None:
            return value
        return self.of(default[0]) if default else None


class _Reader:
    """Reads one env.py."""

    def __init__(self, tree: ast.Module, project: Project) -> None:
        self._tree = tree
        self._project = project
        self._values = _Values(tree, project)
        self._unresolved: list[str] = []

    def environment(self) -> Environment:
        arguments = self._configure_arguments()
        texts = [*self._texts(), *self._ini_texts()]
        version_table = self._argument(arguments, "version_table", str)
        schema = self._argument(arguments, "version_table_schema", str)
        lock_timeout = self._timeout(_LOCK_TIMEOUT, "lock_timeout", texts)
        statement_timeout = self._timeout(_STATEMENT_TIMEOUT, "statement_timeout", texts)
        if not self._makes_engine():
            self._unresolved.append("env.py gets its connection from elsewhere")
        return Environment(
            transaction_per_migration=self._argument(arguments, "transaction_per_migration", bool),
            transactional_ddl=self._argument(arguments, "transactional_ddl", bool),
            lock_timeout=lock_timeout,
            statement_timeout=statement_timeout,
            advisory_lock=any(_ADVISORY_LOCK.search(text) for text in [*texts, *self._names()]),
            version_table=version_table or "alembic_version",
            version_table_schema=schema,
            include_schemas=self._argument(arguments, "include_schemas", bool) or False,
            autocommit=any(_AUTOCOMMIT.search(text) for text in texts),
            unresolved=tuple(dict.fromkeys(self._unresolved)),
        )

    def _configure_arguments(self) -> list[_Mapping]:
        """The keyword arguments of the calls of ``context.configure`` that run on a connection."""
        calls = [call for call in _calls(self._tree) if _is_configure(call)]
        found = [self._values.mapping(call) for call in calls]
        online = [item for item in found if "url" not in item.items or "connection" in item.items]
        if not calls:
            self._unresolved.append("env.py does not call context.configure itself")
        return online or found

    def _argument(self, calls: list[_Mapping], name: str, type_: type[_T]) -> _T | None:
        """One argument; None when it is not given, not literal, or differs between calls."""
        values = [call.items.get(name) for call in calls]
        for call in calls:
            if call.rest and name not in call.items:
                self._unresolved.append(_undecided("passes", call.rest, "to context.configure"))
        unknown = next((value for value in values if isinstance(value, _Unknown)), None)
        if unknown is not None:
            self._unresolved.append(_undecided(f"sets {name} to", unknown.source))
            return None
        if any(value != values[0] for value in values):
            self._unresolved.append(f"env.py calls context.configure with different {name}")
            return None
        return values[0] if values and isinstance(values[0], type_) else None

    def _timeout(self, pattern: re.Pattern[str], name: str, texts: list[str]) -> str:
        """The setting as written; the last one that is not "off", as zeros often reset it."""
        written = [match["value"].strip() for text in texts for match in pattern.finditer(text)]
        chosen = next((value for value in reversed(written) if value.strip("0")), "")
        chosen = chosen or (written[-1] if written else "")
        if chosen and not chosen[0].isdigit():
            self._unresolved.append(_undecided(f"sets {name} to", chosen.strip("{}")))
        return chosen

    def _texts(self) -> Iterator[str]:
        """Every string that env.py uses, and every named value as ``name=value``."""
        silent = _silent_nodes(self._tree)
        for node in ast.walk(self._tree):
            if id(node) in silent:
                continue
            match node:
                case ast.Constant(value=str(text)):
                    yield unquote(text)
                case ast.JoinedStr():
                    yield unquote(str(self._values.of(node)))
                case ast.Dict():
                    yield from self._named_values(_pairs(node))
                case ast.Call(args=[ast.Constant(value=str(name)), value, *_]):
                    yield from self._named_values([(name, value)])
                    yield from self._named_values(_pairs(node))
                case ast.Call():
                    yield from self._named_values(_pairs(node))
                case ast.Assign(
                    targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=value
                ):
                    yield from self._named_values([(name, value)])

    def _named_values(self, pairs: list[tuple[str | None, ast.expr]]) -> Iterator[str]:
        for name, node in pairs:
            if name is None:
                continue
            value = self._values.of(node)
            shown = f"{{{value.source}}}" if isinstance(value, _Unknown) else value
            yield f"{name}={shown}"

    def _ini_texts(self) -> Iterator[str]:
        """What the ini file gives to ``engine_from_config``."""
        file = self._project.config_file
        if file is None or file.suffix != ".ini":
            return
        for option in ("url", "isolation_level", "connect_args"):
            value = ini_option(file, self._project.section, f"sqlalchemy.{option}", raw=True)
            if value is not None:
                yield f"{option}={unquote(value.replace('%%', '%'))}"

    def _names(self) -> Iterator[str]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Attribute):
                yield node.attr

    def _makes_engine(self) -> bool:
        return any(_called(call) in _ENGINE_MAKERS for call in _calls(self._tree))


def _undecided(verb: str, source: str, object_: str = "") -> str:
    return (
        " ".join(f"env.py {verb} {source} {object_}".split()) + ", which its text does not decide"
    )


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_configure(call: ast.Call) -> bool:
    if _called(call) != "configure":
        return False
    names = {keyword.arg for keyword in call.keywords}
    return bool(names & _CONFIGURE_KEYWORDS) or "context" in ast.unparse(call.func)


def _pairs(node: ast.Dict | ast.Call) -> list[tuple[str | None, ast.expr]]:
    """Keys and values of a dictionary or of a call's keywords; None is the key of ``**``."""
    if isinstance(node, ast.Call):
        return [(keyword.arg, keyword.value) for keyword in node.keywords]
    pairs: list[tuple[str | None, ast.expr]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        match key:
            case None | ast.Constant(value=str()):
                pairs.append((None if key is None else str(key.value), value))
    return pairs


def _silent_nodes(tree: ast.Module) -> set[int]:
    """The nodes whose strings do nothing: docstrings, log messages, and the pieces of f-strings."""
    silent: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as text):
                silent.add(id(text))
            case ast.Call() if _called(node) in _LOGGING:
                silent.update(id(child) for child in ast.walk(node))
            case ast.JoinedStr(values=parts):
                silent.update(id(part) for part in parts if isinstance(part, ast.Constant))
    return silent
