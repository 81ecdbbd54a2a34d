"""Owns reading a revision file: what it is called, where it stands, and what it does.

The file is parsed with LibCST and followed by an evaluator; nothing of the project is imported.
"""

from __future__ import annotations

import ast
import io
from pathlib import Path

import libcst as cst
import msgspec

from alembic_proof.errors import SourceError
from alembic_proof.history import Revision
from alembic_proof.linter.python.calls import MigrationReader
from alembic_proof.linter.python.evaluate import CallSite, OutOfFuelError
from alembic_proof.linter.python.frames import Frame, SourceModule
from alembic_proof.linter.python.positions import Position, call_positions
from alembic_proof.linter.python.recorder import Recorder
from alembic_proof.linter.python.source_files import EXTERNAL, SourceFiles
from alembic_proof.linter.python.statements import Flow
from alembic_proof.linter.python.values import Function, Items, Ref, Unknown, Value, is_known
from alembic_proof.operations import Procedure, Step, Unresolved


def read_revision(path: Path, *, root: Path) -> Revision | None:
    """The revision in a file; None when the file is no revision.

    ``root`` is the folder that the revision's ``path`` is relative to.

    Raises:
        SourceError: the file cannot be read or parsed, or its identifiers are not literals.

    """
    return read_revision_with_dependencies(path, root=root)[0]


def read_revision_with_dependencies(
    path: Path, *, root: Path
) -> tuple[Revision | None, tuple[Path, ...]]:
    """The revision in a file, and every other file that was read to understand it.

    Raises:
        SourceError: as for :func:`read_revision`.

    """
    shown = _relative(path, root)
    text, tree = _parse(path, shown)
    places = _module_names(tree)
    if "revision" not in places:
        return None, ()
    sources = SourceFiles(root)
    concrete = _parse_concrete(text, shown)
    module = SourceModule(path=path, body=concrete.body, main=True, yields="yield" in text)
    reading = _Reading(module, text, concrete, tree, sources)
    revision = _revision(reading, shown, places)
    return revision, tuple(sorted(sources.read))


class _Reading:
    """One revision file while it is being read."""

    def __init__(
        self,
        module: SourceModule,
        text: str,
        concrete: cst.Module,
        tree: ast.Module,
        sources: SourceFiles,
    ) -> None:
        self.text = text
        self.module = module
        self.concrete = concrete
        self.tree = tree
        self.sources = sources
        self._positions: dict[int, Position] | None = None
        self._at_load = Recorder((1, 1))
        self._reader(self._at_load).run_module(module)

    def positions(self) -> dict[int, Position]:
        """The position of every call, computed when it is first needed."""
        if self._positions is None:
            self._positions = call_positions(self.concrete, self.tree)
        return self._positions

    def _reader(self, recorder: Recorder) -> MigrationReader:
        return MigrationReader(self.module, self.sources, recorder, self.positions)

    def procedure(self, name: str) -> Procedure | None:
        """``upgrade()`` or ``downgrade()``, wherever it was defined; None when there is none."""
        value = self.module.names.get(name)
        if value is None:
            return None
        node = _definition(self.tree, name)
        line = _line_of(self.tree, name)
        recorder = Recorder((line, 1))
        reader = self._reader(recorder)
        flow = _follow(reader, self.module, name, value)
        raises = flow == Flow.RAISE
        return Procedure(
            line=line,
            steps=tuple(recorder.steps),
            empty=node is not None and _is_empty(node),
            raises=raises,
            raised=reader.raised if raises else "",
        )

    def upgrade(self) -> Procedure:
        """``upgrade()``, and before it what the file does when it is loaded."""
        procedure = self.procedure("upgrade")
        if procedure is None:
            reason = "the file defines no upgrade(), so that Alembic fails"
            missing = Step(operation=Unresolved(reason=reason, source="upgrade"), line=1)
            procedure = Procedure(line=1, steps=(missing,))
        return msgspec.structs.replace(procedure, steps=(*self._loading_steps(), *procedure.steps))

    def _loading_steps(self) -> list[Step]:
        """What the file does outside any function, which depends on when Alembic loads it."""
        reason = "the file does this when it is loaded, outside upgrade()"
        lines = io.StringIO(self.text, newline=None).readlines()
        return [
            msgspec.structs.replace(
                step, operation=Unresolved(reason=reason, source=lines[step.line - 1].strip())
            )
            for step in self._at_load.steps
        ]


def _follow(reader: MigrationReader, module: SourceModule, name: str, value: Value) -> Flow:
    """Follow what ``name`` stands for in the module as Alembic would call it."""
    frame = Frame(module, {})
    if isinstance(value, Ref):
        value = reader.resolve(value, frame)
    try:
        if isinstance(value, Function) and isinstance(value.node, cst.FunctionDef):
            return reader.run_procedure(value)
        if isinstance(value, Unknown | Ref):
            reader.recorder.unresolved(f"the source of {name}() is not at hand", name)
            return Flow.FALL
        reader.call(value, (), {}, CallSite(cst.Call(cst.Name(name)), frame, for_effect=True))
    except (OutOfFuelError, RecursionError):
        reader.recorder.unresolved("following it takes too many steps", f"{name}()")
    return Flow.FALL


def _revision(reading: _Reading, shown: str, places: dict[str, int]) -> Revision:
    names = reading.module.names
    identifier = names.get("revision")
    if not isinstance(identifier, str) or not is_known(identifier):
        raise _not_literal("revision", shown, places)
    down = places.get("down_revision", places["revision"])
    phase = names.get("phase")
    return Revision(
        id=identifier,
        path=shown,
        parents=_identifiers(names.get("down_revision"), "down_revision", shown, places),
        depends_on=_identifiers(names.get("depends_on"), "depends_on", shown, places),
        branch_labels=_identifiers(names.get("branch_labels"), "branch_labels", shown, places),
        message=_message(reading.tree),
        upgrade=reading.upgrade(),
        downgrade=reading.procedure("downgrade"),
        phase=phase if isinstance(phase, str) and is_known(phase) else None,
        imports_application=_application_imports(reading.tree),
        id_line=places["revision"],
        parents_line=down,
    )


def _identifiers(value: Value, name: str, shown: str, places: dict[str, int]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) and is_known(value):
        return (value,)
    several = isinstance(value, Items | tuple | set | frozenset) and is_known(value)
    if several and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise _not_literal(name, shown, places)


def _not_literal(name: str, shown: str, places: dict[str, int]) -> SourceError:
    return SourceError(
        f"{name} is not a literal at {shown}:{places.get(name, 1)}",
        hint="write it as a text, or for several as a tuple of texts",
    )


def _relative(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def _parse(path: Path, shown: str) -> tuple[str, ast.Module]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"cannot read {shown}: {error.strerror or error}", hint="check the file's permissions"
        ) from error
    try:
        tree = ast.parse(data, filename=shown)
        text = data.decode("utf-8-sig") if b"coding" not in data[:200] else _decode(data)
    except SyntaxError as error:
        raise SourceError(
            f"{shown}:{error.lineno or 1} is not valid Python: {error.msg}",
            hint="correct the file (a merge conflict marker is a common cause), or run alembic-proof "
            "with the Python version of the project",
        ) from error
    except (UnicodeDecodeError, LookupError, ValueError) as error:
        raise SourceError(
            f"{shown}:1 cannot be decoded: {error}", hint="save the file as UTF-8"
        ) from error
    return text, tree


def _decode(data: bytes) -> str:
    import tokenize

    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding)


def _parse_concrete(text: str, shown: str) -> cst.Module:
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise SourceError(
            f"{shown}:{error.raw_line} is not valid Python: {error.message}",
            hint="correct the file",
        ) from error


def _module_names(tree: ast.Module) -> dict[str, int]:
    """The lines where the names that Alembic looks for are assigned at module level."""
    found: dict[str, int] = {}
    for statement in tree.body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign) and statement.value is not None
            else []
        )
        for target in targets:
            for name in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
                if isinstance(name, ast.Name):
                    found[name.id] = statement.lineno
    return found


def _definition(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    found = None
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name == name:
            found = statement
    return found


def _line_of(tree: ast.Module, name: str) -> int:
    """The last line at the top of the file that defines, imports or assigns a name; 1 for none."""
    found = 1
    for statement in tree.body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names = [statement.name]
            case ast.ImportFrom() | ast.Import():
                names = [alias.asname or alias.name for alias in statement.names]
            case ast.Assign():
                names = [item.id for item in statement.targets if isinstance(item, ast.Name)]
            case _:
                names = []
        if name in names:
            found = statement.lineno
    return found


def _is_empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the body is only docstring, ``pass``, ``…`` and a bare ``return``."""
    return all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        or (
            isinstance(statement, ast.Return)
            and (statement.value is None or isinstance(statement.value, ast.Constant))
        )
        for statement in node.body
    )


def _message(tree: ast.Module) -> str:
    lines = (ast.get_docstring(tree) or "").strip().splitlines()
    return lines[0].strip() if lines else ""


def _application_imports(tree: ast.Module) -> tuple[str, ...]:
    """The modules imported that are neither Python's, Alembic's nor SQLAlchemy's."""
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if name.partition(".")[0] not in EXTERNAL:
                found[name] = None
    return tuple(found)
