"""Owns what it costs to turn a column of one type into another.

A table is rewritten unless the conversion is nothing but a relabelling. Sources in PostgreSQL:
``ATColumnChangeRequiresRewrite``, ``pg_cast`` (binary-coercible casts) and the planner support
functions of varchar, numeric, varbit, timestamp, time and interval.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import structs

from alembic_proof.effects import DataFailure
from alembic_proof.objects import SqlType
from alembic_proof.schema_model import SchemaModel, TypeState


class TypeChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of type does.

    ``why`` completes "the column …". ``keeps_indexes`` says that the operator class stays the same,
    so that an index need not be rebuilt; ``keeps_operators`` that equality does, so that a foreign
    key need not be validated again. ``loss`` completes "loses …".
    """

    rewrites: bool
    keeps_indexes: bool
    keeps_operators: bool = False
    why: str = ""
    failures: tuple[DataFailure, ...] = ()
    loss: str = ""


_RELABELLED: Final = frozenset(
    {
        ("text", "varchar"),
        ("text", "char"),
        ("text", "citext"),
        ("varchar", "text"),
        ("varchar", "char"),
        ("varchar", "citext"),
        ("citext", "text"),
        ("citext", "varchar"),
        ("citext", "char"),
        ("xml", "text"),
        ("xml", "varchar"),
        ("xml", "char"),
        ("cidr", "inet"),
        ("bit", "varbit"),
        ("varbit", "bit"),
        ("integer", "oid"),
        ("oid", "integer"),
    }
)
"""``pg_cast`` entries without a function (``castmethod = 'b'``), citext's included."""

_SAME_OPERATORS: Final = (frozenset({"text", "varchar"}), frozenset({"inet", "cidr"}))
"""Types that share their default operator classes."""

_NUMBERS: Final = ("smallint", "integer", "bigint", "numeric", "real", "double precision")

_AUTOMATIC: Final = {
    **{name: frozenset(_NUMBERS) for name in _NUMBERS},
    "date": frozenset({"timestamp", "timestamptz"}),
    "timestamp": frozenset({"date", "time", "timestamptz"}),
    "timestamptz": frozenset({"date", "time", "timetz", "timestamp"}),
    "time": frozenset({"interval", "timetz"}),
    "timetz": frozenset({"time"}),
    "interval": frozenset({"time"}),
    "inet": frozenset({"cidr"}),
    "json": frozenset({"jsonb"}),
    "jsonb": frozenset({"json"}),
    "macaddr": frozenset({"macaddr8"}),
    "macaddr8": frozenset({"macaddr"}),
    "money": frozenset({"numeric"}),
    "oid": frozenset({"bigint"}),
    "text": frozenset({"name"}),
}
"""``pg_cast`` entries with a function that an assignment may use, besides those to strings."""

_TO_MONEY: Final = frozenset({"integer", "bigint", "numeric"})
_TO_OID: Final = frozenset({"smallint", "bigint"})
_STRINGS: Final = frozenset({"text", "varchar", "char", "citext"})
"""String types: an assignment to them may go through the text form of any value."""

_BUILT_IN: Final = frozenset(
    [
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "real",
        "money",
        "boolean",
        "text",
        "varchar",
        "char",
        "citext",
        "uuid",
        "json",
        "jsonb",
        "date",
        "timestamp",
        "timestamptz",
        "time",
        "timetz",
        "interval",
        "bytea",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "bit",
        "varbit",
        "oid",
        "xml",
        "name",
        "point",
        "line",
        "lseg",
        "box",
        "path",
        "polygon",
        "circle",
        "tsvector",
        "tsquery",
        "regclass",
        "regtype",
        "int4range",
        "int8range",
        "numrange",
        "tsrange",
        "tstzrange",
        "daterange",
        "int4multirange",
        "int8multirange",
        "nummultirange",
        "tsmultirange",
        "tstzmultirange",
        "datemultirange",
        "jsonpath",
        "pg_lsn",
        "txid_snapshot",
        "hstore",
        "ltree",
        "lquery",
        "ltxtquery",
        "cube",
        "geometry",
        "geography",
        "raster",
        "vector",
        "halfvec",
        "sparsevec",
    ]
) | {"double precision", '"char"'}
"""Built-in types, and those of common extensions, none of which is a domain."""


def is_plain_type(type_: SqlType) -> bool:
    """Whether a type is known to be neither a domain nor unknown to us."""
    return type_.name in _BUILT_IN


def depends_on_time_zone(old: SqlType, new: SqlType) -> bool:
    """Whether the TimeZone of the session decides if the table is rewritten."""
    return {old.name, new.name} == {"timestamp", "timestamptz"} and not old.dimensions


def type_change(
    schema: SchemaModel, subject: str, old: SqlType, new: SqlType, explicit: SqlType | None = None
) -> TypeChange:
    """What it takes to change ``subject`` (``table.column``) from one type to another.

    ``explicit`` is the type of a cast in USING, None without one.
    """
    base_old, base_new = _base(schema, old), _base(schema, new)
    free = _is_free(schema, old, new)
    if explicit is not None and explicit != new:
        free = _is_free(schema, old, explicit) and _is_free(schema, explicit, new)
    same = base_old.name == base_new.name and bool(old.dimensions) == bool(new.dimensions)
    shared = same or any({base_old.name, base_new.name} <= group for group in _SAME_OPERATORS)
    return TypeChange(
        rewrites=not free,
        keeps_indexes=free and shared,
        keeps_operators=shared,
        why=f"is converted from {old} to {new}",
        failures=_failures(schema, subject, old, new, explicit),
        loss=_loss(subject, base_old, base_new, explicit),
    )


def _domain(schema: SchemaModel, type_: SqlType) -> TypeState | None:
    state = schema.type_named(type_.name)
    return state if state is not None and state.kind == "domain" else None


def _base(schema: SchemaModel, type_: SqlType) -> SqlType:
    """The type behind a domain, or the type itself."""
    domain = _domain(schema, type_)
    if domain is None or domain.base is None or type_.dimensions:
        return type_
    return _base(schema, domain.base)


def _is_free(schema: SchemaModel, old: SqlType, new: SqlType) -> bool:
    """Whether the stored values can stay as they are."""
    if old == new:
        return True
    target = _domain(schema, new)
    if target is not None and target.constrained:
        return False
    is_domain = _domain(schema, old) is not None
    old, new = _base(schema, old), _base(schema, new)
    if is_domain:
        # PostgreSQL looks at the column's own modifiers, and a domain has none.
        old = structs.replace(old, modifiers=())
    if bool(old.dimensions) != bool(new.dimensions):
        return False
    if old.name == new.name:
        return _fits(old, new)
    if old.dimensions:
        return False
    return (old.name, new.name) in _RELABELLED and _fits(SqlType(new.name), new)


def _fits(old: SqlType, new: SqlType) -> bool:
    """Whether every value of a type is one of the same type with other modifiers."""
    if old.modifiers == new.modifiers:
        return True
    if old.name in ("char", "bit"):
        return False
    if not new.modifiers:
        return True
    if old.dimensions:
        return False
    match old.name:
        case "varchar" | "varbit":
            return bool(old.modifiers) and old.modifiers <= new.modifiers
        case "numeric":
            same_scale = _scale(old) == _scale(new)
            return bool(old.modifiers) and same_scale and old.modifiers[0] <= new.modifiers[0]
        case "timestamp" | "timestamptz" | "time" | "timetz" | "interval":
            return (old.modifiers or (_MOST_PRECISE,)) <= new.modifiers
        case _:
            return False


_MOST_PRECISE: Final = 6


def has_automatic_cast(schema: SchemaModel, old: SqlType, new: SqlType) -> bool | None:
    """Whether ALTER COLUMN TYPE works without USING; None when not known."""
    old, new = _base(schema, old), _base(schema, new)
    if old.name == new.name and bool(old.dimensions) == bool(new.dimensions):
        return True
    if new.name in _STRINGS and bool(new.dimensions) <= bool(old.dimensions):
        return True
    enums = [schema.type_named(name.name) for name in (old, new)]
    known = all(
        is_plain_type(type_) or (state is not None and state.kind == "enum")
        for type_, state in zip((old, new), enums, strict=True)
    )
    if bool(old.dimensions) != bool(new.dimensions):
        return False if known else None
    if (old.name, new.name) in _RELABELLED or new.name in _AUTOMATIC.get(old.name, ()):
        return True
    if (new.name == "money" and old.name in _TO_MONEY) or (
        new.name == "oid" and old.name in _TO_OID
    ):
        return True
    return False if known else None


def _failures(
    schema: SchemaModel, subject: str, old: SqlType, new: SqlType, explicit: SqlType | None
) -> tuple[DataFailure, ...]:
    """How the conversion can fail on a value."""
    failures: list[DataFailure | None] = []
    if explicit is None and has_automatic_cast(schema, old, new) is False:
        failures.append(
            DataFailure(
                "42804", f"USING is not given: there is no automatic cast from {old} to {new}"
            )
        )
    target = _domain(schema, new)
    if target is not None and target.constrained:
        failures.append(
            DataFailure("23514", f"a value of {subject} does not satisfy the domain {new}")
        )
    if target is not None and target.not_null:
        failures.append(
            DataFailure("23502", f"a value of {subject} is NULL, which the domain {new} refuses")
        )
    old, new = _base(schema, old), _base(schema, new)
    if old.name in _STRINGS and not old.dimensions:
        failures.append(_failure_from_string(subject, old, new, explicit))
    elif new.name in _STRINGS and not (old.dimensions or new.dimensions):
        failures.append(_failure_of_length(subject, _width(schema, old), new, explicit))
    elif not (old.dimensions or new.dimensions):
        failures.append(_failure_of_number(subject, old, new))
    return tuple(failure for failure in failures if failure is not None)


_ANY_TEXT: Final = frozenset({"xml", "bytea", "tsvector", "name"})
"""Types that hardly any text is invalid for."""

_DATES: Final = frozenset({"date", "timestamp", "timestamptz", "time", "timetz", "interval"})


_WIDTHS: Final = {
    "boolean": 5,
    "smallint": 6,
    "integer": 11,
    "bigint": 20,
    "real": 15,
    "double precision": 24,
    "oid": 10,
    "uuid": 36,
}
"""The most characters of a value as text."""


def _width(schema: SchemaModel, old: SqlType) -> int | None:
    """The most characters that a value has as text; None when there is no limit we know."""
    enum = schema.type_named(old.name)
    if enum is not None and enum.kind == "enum" and enum.created_in is not None:
        return max(map(len, enum.values), default=0)
    if old.name == "numeric" and old.modifiers:
        precision, scale = old.modifiers[0], _scale(old)
        return len("-") + max(precision, scale + 1) + (len(".") if scale else 0)
    return _WIDTHS.get(old.name)


def _failure_of_length(
    subject: str, held: int | None, new: SqlType, explicit: SqlType | None
) -> DataFailure | None:
    limit = new.modifiers[0] if new.modifiers else (1 if new.name == "char" else None)
    if limit is None or (held is not None and held <= limit):
        return None
    if explicit is not None and explicit.modifiers == new.modifiers:
        return None
    return DataFailure("22001", f"a value of {subject} is longer than {limit} characters")


def _failure_from_string(
    subject: str, old: SqlType, new: SqlType, explicit: SqlType | None
) -> DataFailure | None:
    if new.name in _ANY_TEXT:
        return None
    if new.name in _STRINGS and not new.dimensions:
        return _failure_of_length(
            subject, old.modifiers[0] if old.modifiers else None, new, explicit
        )
    sqlstate = "22007" if new.name in _DATES and not new.dimensions else "22P02"
    return DataFailure(sqlstate, f"a value of {subject} is not valid as {new}")


_DIGITS: Final = {
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "real": 39,
    "double precision": 309,
}
"""The most digits before the point that a value has; not all numbers of so many digits fit."""

_INTEGERS: Final = ("smallint", "integer", "bigint")


def _failure_of_number(subject: str, old: SqlType, new: SqlType) -> DataFailure | None:
    if old.name not in _NUMBERS or new.name not in _NUMBERS or old == new:
        return None
    room = _room(new)
    needed = _digits_needed(old, new)
    if room is None or (needed is not None and needed <= room):
        return None
    return DataFailure("22003", f"a value of {subject} is out of range for {new}")


def _room(new: SqlType) -> int | None:
    """How many digits before the point fit for certain; None for any number of them."""
    if new.name != "numeric":
        return _DIGITS[new.name] - 1
    return new.modifiers[0] - _scale(new) if new.modifiers else None


def _digits_needed(old: SqlType, new: SqlType) -> int | None:
    """The most digits before the point after rounding; None when there is no limit."""
    if old.name != "numeric":
        return _DIGITS[old.name]
    if not old.modifiers:
        return None
    rounds = new.name in _INTEGERS or (new.name == "numeric" and _scale(new) < _scale(old))
    return old.modifiers[0] - _scale(old) + rounds


def _scale(numeric: SqlType) -> int:
    return numeric.modifiers[1] if len(numeric.modifiers) > 1 else 0


def _loss(subject: str, old: SqlType, new: SqlType, explicit: SqlType | None) -> str:
    """What a conversion that succeeds throws away; empty for nothing."""
    if old.dimensions or new.dimensions:
        return ""
    if explicit is not None and new.name in _STRINGS and new.modifiers and old.name in _STRINGS:
        held = old.modifiers[0] if old.modifiers else None
        if held is None or held > new.modifiers[0]:
            return f"what {subject} holds beyond {new.modifiers[0]} characters"
    if old.name in ("numeric", "real", "double precision") and new.name in _INTEGERS:
        return f"the fraction of every value of {subject}"
    rounds = not old.modifiers or _scale(old) > _scale(new)
    if old.name == new.name == "numeric" and new.modifiers and rounds:
        return f"the digits of {subject} beyond {_scale(new)} decimal places"
    if old.name in ("timestamp", "timestamptz") and new.name == "date":
        return f"the time of day of every value of {subject}"
    if old.name in ("timestamp", "timestamptz") and new.name in ("time", "timetz"):
        return f"the date of every value of {subject}"
    if (old.name, new.name) == ("inet", "cidr"):
        return f"the bits of {subject} to the right of its network mask"
    if (old.name, new.name) == ("json", "jsonb"):
        return f"key order, duplicate keys and white space of {subject}"
    return ""
