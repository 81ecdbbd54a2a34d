"""Steps as short text, one line each, so that a case can show what it expects."""

from __future__ import annotations

import msgspec

from alembic_proof.objects import (
    Check,
    Column,
    Exclude,
    Expression,
    ForeignKey,
    IndexKey,
    Name,
    NotNull,
    PrimaryKey,
    SqlType,
    Unique,
)
from alembic_proof.operations import Step


def describe_steps(steps: tuple[Step, ...]) -> list[str]:
    """One line for each step; ``+`` marks an operation of the same statement as the one before."""
    lines = []
    last = -1
    for step in steps:
        line = "+ " if step.statement == last else ""
        line += f"[{step.condition}] " if step.condition else ""
        line += "loop: " if step.repeated else ""
        lines.append(line + describe(step.operation))
        last = step.statement
    return lines


def describe(value: object) -> str:
    """A value of the vocabulary with only those fields that differ from their defaults."""
    match value:
        case Name() | SqlType():
            return str(value)
        case Expression():
            return f"«{value.text}»" + ("?" if value.opaque else "")
        case Column():
            return _column(value)
        case IndexKey():
            return value.column or describe(value.expression)
        case tuple():
            return "(" + ", ".join(describe(item) for item in value) + ")"
        case msgspec.Struct():
            fields = ", ".join(_fields(value))
            return f"{type(value).__name__}({fields})"
        case str():
            return value if value.replace("_", "").isalnum() else repr(value)
    return repr(value)


def _fields(value: msgspec.Struct) -> list[str]:
    bare = isinstance(value, PrimaryKey | Unique | ForeignKey | Check | Exclude | NotNull)
    shown = []
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        if item == field.default or (bare and item is None):
            continue
        shown.append(f"{field.name}={describe(item)}")
    return shown


def _column(column: Column) -> str:
    words = [column.name, str(column.type) if column.type is not None else "?"]
    words += ["serial"] * column.serial + ["identity"] * column.identity
    words += ["not null"] * (not column.nullable)
    if column.default is not None:
        words.append(f"default {describe(column.default)}")
    if column.generated is not None:
        words.append(f"{'stored' if column.stored else 'virtual'} {describe(column.generated)}")
    if column.collation is not None:
        words.append(f"collate {column.collation}")
    words += [describe(constraint) for constraint in column.constraints]
    return " ".join(words)
