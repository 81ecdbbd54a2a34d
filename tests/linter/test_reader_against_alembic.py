"""What is read of a migration is what Alembic sends for it: the cases are run in offline mode."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import msgspec
import pytest
from _pytest.mark.structures import ParameterSet

from alembic_proof.linter.python.reader import read_revision
from alembic_proof.linter.sql import read_statements
from alembic_proof.objects import Column
from alembic_proof.operations import (
    AddColumn,
    ChangeColumnType,
    CreateTable,
    CreateType,
    DropConstraint,
    DropIndex,
    EnterAutocommit,
    InsertRows,
    LeaveAutocommit,
    NoOperation,
    Operation,
)
from tests.linter.reading_steps import describe
from tests.linter.test_reader_cases import FOLDER, _source

alembic_migration = pytest.importorskip("alembic.runtime.migration")
alembic_operations = pytest.importorskip("alembic.operations")

NOT_OFFLINE = (
    "invoke and run_async",
    "unknown",
    "cannot be told",
    "other packages",
    "without a name",
    "copies the table",
    "third-party types",
    "drop_constraint",
    "execute takes text",
    "bulk_insert",
    "autocommit_block",
)


def _cases() -> list[ParameterSet]:
    cases = []
    for stem in ("alembic", "types"):
        text = (FOLDER / f"{stem}.txt").read_text(encoding="utf-8")
        for block in text.split("\n### ")[1:]:
            heading, _, rest = block.partition("\n")
            if not any(word in heading for word in NOT_OFFLINE):
                cases.append(pytest.param(rest.partition("\n---\n")[0], id=f"{stem}: {heading}"))
    return cases


@pytest.mark.parametrize("migration", _cases())
def test_steps_are_what_alembic_sends(tmp_path: Path, migration: str) -> None:
    file = tmp_path / "a1_case.py"
    source = _source(migration)
    file.write_text(source, encoding="utf-8")
    revision = read_revision(file, root=tmp_path)
    assert revision is not None
    assert revision.upgrade is not None
    read = [step.operation for step in revision.upgrade.steps]
    sent = [operation for group in read_statements(_offline(source)) for operation in group]
    assert _comparable(read) == _comparable(sent)


def _offline(source: str) -> str:
    buffer = io.StringIO()
    context = alembic_migration.MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": buffer, "literal_binds": True},
    )
    namespace: dict[str, object] = {"__name__": "case", "__file__": "case.py"}
    with warnings.catch_warnings(), alembic_operations.Operations.context(context):
        warnings.simplefilter("ignore")
        exec(compile(source, "case.py", "exec"), namespace)
        namespace["upgrade"]()  # type: ignore[operator]
    return buffer.getvalue()


_UNSEEN = NoOperation | EnterAutocommit | LeaveAutocommit | InsertRows


def _comparable(operations: list[Operation]) -> list[str]:
    """The operations without what only the migration says, and in the form raw SQL gives them.

    Indexes and enum types come from sets in SQLAlchemy, so that their order means nothing.
    """
    shown = [
        _plain(describe(_reduced(operation)))
        for operation in operations
        if not isinstance(operation, _UNSEEN)
        and not (isinstance(operation, CreateType) and operation.kind != "enum")
    ]
    return sorted(shown)


def _reduced(operation: Operation) -> Operation:
    match operation:
        case ChangeColumnType():
            return msgspec.structs.replace(operation, existing_type=None)
        case DropConstraint():
            return msgspec.structs.replace(operation, kind=None)
        case DropIndex():
            return msgspec.structs.replace(operation, table=None)
        case CreateTable():
            inline = [item for column in operation.columns for item in column.constraints]
            return msgspec.structs.replace(
                operation,
                columns=tuple(_bare(column) for column in operation.columns),
                constraints=tuple(sorted((*operation.constraints, *inline), key=repr)),
            )
        case AddColumn():
            column = msgspec.structs.replace(operation.column, comment=None)
            return msgspec.structs.replace(operation, column=column)
    return operation


def _bare(column: Column) -> Column:
    return msgspec.structs.replace(column, constraints=(), comment=None)


def _plain(text: str) -> str:
    """Without the quotes, parentheses and spaces in which the two spellings of SQL differ."""
    for mark in ('"', "(", ")", " "):
        text = text.replace(mark, "")
    return text.lower()
