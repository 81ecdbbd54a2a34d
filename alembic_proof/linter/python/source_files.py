"""Owns finding and parsing the source files that a revision refers to; none is ever imported."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import libcst as cst

from alembic_proof.linter.python.frames import SourceModule

_MAX_BYTES = 600_000
_MAX_LEVELS = 10

STANDARD = frozenset(sys.stdlib_module_names) | {"builtins"}
"""The packages of Python's standard library."""

EXTERNAL = STANDARD | {"alembic", "sqlalchemy"}
"""Packages whose source is never looked for beside the project."""


class SourceFiles:
    """Finds modules by their dotted name, and remembers every file that was read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.read: set[Path] = set()

    def find(self, path: str, folder: str, beside: Path) -> Path | None:
        """The file of a module.

        ``folder`` is where a relative import looks. Otherwise the package is looked for in the
        folder of the importing file and in every folder above it, also in a ``src`` folder there.
        """
        parts = tuple(part for part in path.split(".") if part)
        if folder:
            return _module_file(Path(folder), parts)
        if not parts or parts[0] in EXTERNAL:
            return None
        base = _base_of(parts[0], beside.parent, self._root)
        return None if base is None else _module_file(base, parts)

    def module(self, file: Path) -> SourceModule | None:
        """A module that is ready to be evaluated; None when it is too large or cannot be parsed."""
        self.read.add(file)
        try:
            status = file.stat()
            if status.st_size > _MAX_BYTES:
                return None
            outline = _outline(file, status.st_mtime_ns, status.st_size)
        except (OSError, SyntaxError, ValueError, cst.ParserSyntaxError):
            return None
        return SourceModule(
            path=file,
            body=outline.parse(outline.at_once),
            yields="yield" in outline.text,
            migrates="alembic" in outline.text,
            pending={
                name: partial(outline.parse, spans) for name, spans in outline.definitions.items()
            },
        )

    def text(self, file: Path) -> str | None:
        """The text of a file that the migration reads; None when it is not there."""
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError):
            return None
        self.read.add(file)
        return text


_Span = tuple[int, int]


class _Outline:
    """Where the top-level statements of a file stand.

    LibCST takes a second for a large module of models, of which a migration needs one class. So the
    standard library's parser, which is a hundred times faster, finds the statements, and LibCST
    parses those that are asked for. ``at_once`` are the spans of imports and of everything that
    binds no single name; ``definitions`` those of functions, classes and assignments, by name.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # Not splitlines(): to Python's parser a form feed, for one, does not end a line.
        self._lines = io.StringIO(text).readlines()
        self._parsed: dict[tuple[_Span, ...], Sequence[cst.CSTNode]] = {}
        self.at_once: tuple[_Span, ...] = ()
        self.definitions: dict[str, tuple[_Span, ...]] = {}
        for statement in ast.parse(text).body:
            span = _span(statement)
            name = _defined_name(statement)
            if name is None:
                self.at_once = _with(self.at_once, span)
            else:
                self.definitions[name] = _with(self.definitions.get(name, ()), span)

    def parse(self, spans: tuple[_Span, ...]) -> Sequence[cst.CSTNode]:
        """The syntax trees of some statements."""
        if spans not in self._parsed:
            code = "".join(
                "".join(self._lines[first - 1 : last]).rstrip("\r\n") + "\n"
                for first, last in spans
            )
            self._parsed[spans] = cst.parse_module(code).body
        return self._parsed[spans]


def _with(spans: tuple[_Span, ...], span: _Span) -> tuple[_Span, ...]:
    """The spans with one more, unless it shares its line with the last one."""
    return spans if spans and spans[-1][1] >= span[0] else (*spans, span)


def _span(statement: ast.stmt) -> _Span:
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    return first, statement.end_lineno or statement.lineno


def _defined_name(statement: ast.stmt) -> str | None:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return name
    return None


@lru_cache(maxsize=512)
def _outline(file: Path, _modified: int, _size: int) -> _Outline:
    return _Outline(file.read_text(encoding="utf-8-sig"))


@lru_cache(maxsize=4096)
def _base_of(package: str, folder: Path, root: Path) -> Path | None:
    candidates = [folder, *folder.parents][:_MAX_LEVELS]
    for base in dict.fromkeys((*candidates, root)):
        for place in (base, base / "src"):
            if (place / package).is_dir() or (place / f"{package}.py").is_file():
                return place
    return None


@lru_cache(maxsize=4096)
def _module_file(base: Path, parts: tuple[str, ...]) -> Path | None:
    target = base.joinpath(*parts)
    if parts and target.with_name(f"{target.name}.py").is_file():
        return target.with_name(f"{target.name}.py")
    initial = target / "__init__.py"
    return initial if initial.is_file() else None
