"""Owns which PostgreSQL type a SQLAlchemy type becomes, as SQLAlchemy's own compiler renders it.

Sources: ``sqlalchemy/dialects/postgresql/base.py`` (``PGTypeCompiler``) and the documentation of the
third-party types named here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_proof.linter.python.values import (
    Attribute,
    Call,
    Class,
    Dialect,
    Function,
    Instance,
    Ref,
    Value,
    is_known,
    known_text,
)
from alembic_proof.objects import Name, SqlType

if TYPE_CHECKING:
    from alembic_proof.linter.python.attributes import Resolver

_PLAIN: dict[str, str] = {
    "Text": "text",
    "TEXT": "text",
    "UnicodeText": "text",
    "Integer": "integer",
    "INTEGER": "integer",
    "INT": "integer",
    "BigInteger": "bigint",
    "BIGINT": "bigint",
    "SmallInteger": "smallint",
    "SMALLINT": "smallint",
    "Double": "double precision",
    "DOUBLE": "double precision",
    "DOUBLE_PRECISION": "double precision",
    "REAL": "real",
    "Date": "date",
    "DATE": "date",
    "Boolean": "boolean",
    "BOOLEAN": "boolean",
    "LargeBinary": "bytea",
    "BYTEA": "bytea",
    "PickleType": "bytea",
    "JSON": "json",
    "JSONB": "jsonb",
    "UUID": "uuid",
    "Interval": "interval",
    "INET": "inet",
    "CIDR": "cidr",
    "MACADDR": "macaddr",
    "MACADDR8": "macaddr8",
    "MONEY": "money",
    "OID": "oid",
    "REGCLASS": "regclass",
    "REGCONFIG": "regconfig",
    "TSVECTOR": "tsvector",
    "TSQUERY": "tsquery",
    "HSTORE": "hstore",
    "CITEXT": "citext",
    "JSONPATH": "jsonpath",
    "INT4RANGE": "int4range",
    "INT8RANGE": "int8range",
    "NUMRANGE": "numrange",
    "DATERANGE": "daterange",
    "TSRANGE": "tsrange",
    "TSTZRANGE": "tstzrange",
    "INT4MULTIRANGE": "int4multirange",
    "INT8MULTIRANGE": "int8multirange",
    "NUMMULTIRANGE": "nummultirange",
    "DATEMULTIRANGE": "datemultirange",
    "TSMULTIRANGE": "tsmultirange",
    "TSTZMULTIRANGE": "tstzmultirange",
}
_THIRD_PARTY: dict[str, SqlType] = {
    "sqlalchemy_utils.UUIDType": SqlType("uuid"),
    "sqlalchemy_utils.JSONType": SqlType("json"),
    "sqlalchemy_utils.URLType": SqlType("text"),
    "sqlalchemy_utils.EmailType": SqlType("citext"),
    "sqlalchemy_utils.CIText": SqlType("citext"),
    "sqlalchemy_utils.ArrowType": SqlType("timestamp"),
    "sqlalchemy_utils.TSVectorType": SqlType("tsvector"),
    "sqlalchemy_utils.LtreeType": SqlType("ltree"),
    "geoalchemy2.Geometry": SqlType("geometry"),
    "geoalchemy2.Geography": SqlType("geography"),
    "geoalchemy2.Raster": SqlType("raster"),
    "fastapi_users_db_sqlalchemy.GUID": SqlType("uuid"),
    "advanced_alchemy.GUID": SqlType("uuid"),
    "advanced_alchemy.DateTimeUTC": SqlType("timestamptz"),
    "sqlalchemy_jsonfield.JSONField": SqlType("json"),
    "sqlalchemy_utc.UtcDateTime": SqlType("timestamptz"),
}
_VECTORS = {"Vector": "vector", "VECTOR": "vector", "HALFVEC": "halfvec", "SPARSEVEC": "sparsevec"}

INTEGERS = frozenset({"integer", "bigint", "smallint"})


@dataclass(frozen=True, slots=True)
class EnumType:
    """A native enum type as the migration declares it.

    ``values`` is None when they could not be read; ``creates`` is false for ``create_type=False``:
    ``CREATE TABLE`` then does not create the type first.
    """

    name: Name
    values: tuple[str, ...] | None
    creates: bool = True


def sql_type(value: Value, reader: Resolver) -> SqlType | None:
    """The PostgreSQL type of a SQLAlchemy type; None when it cannot be told."""
    value = _for_postgresql(value)
    if isinstance(value, Ref):
        value = Call(value)
    if isinstance(value, Instance):
        return _custom(value, reader)
    if isinstance(value, Class):
        return _custom(Instance(value), reader)
    if not (isinstance(value, Call) and isinstance(value.callee, Ref)):
        return None
    package, name = value.callee.package, value.callee.name
    if package == "sqlalchemy" or package == "sqlmodel":
        return _sqlalchemy(name, value, reader)
    if package == "pgvector" and name in _VECTORS:
        return SqlType(_VECTORS[name], _integers(argument(value, 0, "dim")))
    return _THIRD_PARTY.get(f"{package}.{name}")


def collation_of(value: Value) -> str | None:
    """The collation that a string type names."""
    value = _for_postgresql(value)
    if not isinstance(value, Call):
        return None
    if isinstance(value.callee, Ref) and value.callee.name == "ARRAY":
        return collation_of(argument(value, 0, "item_type"))
    return known_text(value.kwargs.get("collation"))


def enum_of(value: Value, reader: Resolver) -> EnumType | None:
    """The native enum type that a SQLAlchemy type stands for, looking into arrays."""
    value = _for_postgresql(value)
    if not (isinstance(value, Call) and isinstance(value.callee, Ref)):
        return None
    if value.callee.package not in ("sqlalchemy", "sqlmodel"):
        return None
    if value.callee.name == "ARRAY":
        return enum_of(argument(value, 0, "item_type"), reader)
    if value.callee.name not in ("Enum", "ENUM", "DOMAIN"):
        return None
    if value.kwargs.get("native_enum", True) is False or value.callee.name == "DOMAIN":
        return None
    name = _enum_name(value)
    if name is None:
        return None
    return EnumType(
        name=Name.of(name, known_text(value.kwargs.get("schema"))),
        values=enum_values(value, reader),
        creates=value.kwargs.get("create_type", True) is not False,
    )


def _enum_name(value: Call) -> str | None:
    if "name" in value.kwargs:
        return known_text(value.kwargs["name"])
    if len(value.args) == 1 and isinstance(value.args[0], Class):
        return value.args[0].name.lower()
    return None


def enum_values(value: Call, reader: Resolver) -> tuple[str, ...] | None:
    """The labels of ``sa.Enum(…)``; None when they could not be read."""
    if len(value.args) == 1 and isinstance(value.args[0], Class):
        members = reader.enum_members(value.args[0])
        if members is None:
            return None
        labels: list[Value] = [member.attributes["name"] for member in members]
        if "values_callable" in value.kwargs:
            labels, more = reader.iterate(
                reader.apply(value.kwargs["values_callable"], (value.args[0],))
            )
            if more:
                return None
    else:
        labels = list(value.args)
    if all(known_text(label) is not None for label in labels):
        return tuple(labels)
    return None


def argument(value: Call, index: int, name: str) -> Value:
    """An argument given by position or by name, else None."""
    return value.args[index] if len(value.args) > index else value.kwargs.get(name)


def _for_postgresql(value: Value) -> Value:
    """The type after ``with_variant``, ``evolve``, ``copy`` and the like."""
    while isinstance(value, Call) and isinstance(value.callee, Attribute):
        method, target = value.callee.name, value.callee.target
        if method == "with_variant" and "postgresql" in value.args[1:]:
            return value.args[0]
        if method not in ("with_variant", "copy", "adapt", "evaluates_none", "as_mutable"):
            break
        value = value.args[0] if method == "as_mutable" and value.args else target
    return value


def _sqlalchemy(name: str, value: Call, reader: Resolver) -> SqlType | None:
    if name in _PLAIN:
        return SqlType(_PLAIN[name])
    build = _PARAMETERISED.get(name)
    return build(value, reader) if build is not None else None


def _string(value: Call, _reader: Resolver) -> SqlType | None:
    length = argument(value, 0, "length")
    if length is not None and not isinstance(length, int):
        return None
    return SqlType("varchar", _integers(length))


def _char(value: Call, _reader: Resolver) -> SqlType | None:
    length = argument(value, 0, "length")
    if length is not None and not isinstance(length, int):
        return None
    return SqlType("char", _integers(length) or (1,))


def _float(value: Call, _reader: Resolver) -> SqlType | None:
    precision = argument(value, 0, "precision")
    if precision is not None and not isinstance(precision, int):
        return None
    return SqlType("real" if precision and precision <= 24 else "double precision")


def _numeric(value: Call, _reader: Resolver) -> SqlType | None:
    precision, scale = argument(value, 0, "precision"), argument(value, 1, "scale")
    if not all(part is None or isinstance(part, int) for part in (precision, scale)):
        return None
    if precision is None:
        return SqlType("numeric")
    return SqlType("numeric", (precision,) if scale is None else (precision, scale))


def _datetime(plain: str, zoned: str) -> Callable[[Call, Resolver], SqlType | None]:
    def build(value: Call, _reader: Resolver) -> SqlType | None:
        timezone = argument(value, 0, "timezone")
        if timezone is not None and not isinstance(timezone, bool):
            return None
        return SqlType(zoned if timezone else plain, _integers(value.kwargs.get("precision")))

    return build


def _interval(value: Call, _reader: Resolver) -> SqlType | None:
    return SqlType("interval", _integers(value.kwargs.get("precision")))


def _uuid(value: Call, _reader: Resolver) -> SqlType | None:
    return SqlType("char", (32,)) if value.kwargs.get("native_uuid") is False else SqlType("uuid")


def _bit(value: Call, _reader: Resolver) -> SqlType | None:
    length = _integers(argument(value, 0, "length"))
    return (
        SqlType("varbit", length) if value.kwargs.get("varying") else SqlType("bit", length or (1,))
    )


def _array(value: Call, reader: Resolver) -> SqlType | None:
    item = sql_type(argument(value, 0, "item_type"), reader)
    dimensions = value.kwargs.get("dimensions") or 1
    if item is None or not isinstance(dimensions, int):
        return None
    return SqlType(item.name, item.modifiers, dimensions)


def _enum(value: Call, reader: Resolver) -> SqlType | None:
    if value.kwargs.get("native_enum", True) is not False:
        name = _enum_name(value)
        if name is None:
            return None
        return SqlType(str(Name.of(name, known_text(value.kwargs.get("schema")))))
    length = value.kwargs.get("length")
    values = enum_values(value, reader)
    if isinstance(length, int):
        return SqlType("varchar", (length,))
    return SqlType("varchar", (max(map(len, values)),)) if values else None


def _domain(value: Call, _reader: Resolver) -> SqlType | None:
    name = known_text(argument(value, 0, "name"))
    if name is None:
        return None
    return SqlType(str(Name.of(name, known_text(value.kwargs.get("schema")))))


def _integers(value: Value) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) and not isinstance(value, bool) else ()


def _custom(value: Instance, reader: Resolver) -> SqlType | None:
    """A type class of the project: its ``load_dialect_impl`` or ``impl`` say what it becomes."""
    for name in ("load_dialect_impl", "get_col_spec"):
        method = reader.find_member(value.cls, name)
        if not isinstance(method, Function):
            continue
        args = (value, Dialect()) if name == "load_dialect_impl" else (value,)
        with reader.recorder.silent():
            result = reader.apply(method, args)
        if isinstance(result, str):
            from alembic_proof.linter.sql import read_type

            return read_type(result) if is_known(result) else None
        if result is not value and not isinstance(result, Instance | Class):
            return sql_type(result, reader)
        return None
    visited = known_text(reader.find_member(value.cls, "__visit_name__"))
    if visited is not None:
        return _sqlalchemy(visited, Call(Ref(f"sqlalchemy.{visited}")), reader)
    implementation = reader.find_member(value.cls, "impl")
    if isinstance(implementation, Ref | Call | Class | Instance):
        return _with_arguments(implementation, value, reader)
    for base in value.cls.bases:
        if isinstance(base, Ref) and base.package in ("sqlalchemy", "sqlmodel"):
            return _with_arguments(base, value, reader)
    return None


def _with_arguments(implementation: Value, value: Instance, reader: Resolver) -> SqlType | None:
    """The type behind a decorator; constructor arguments reach it (``impl = String``; ``T(20)``)."""
    if isinstance(implementation, Ref) and implementation.name not in (
        "TypeDecorator",
        "TypeEngine",
    ):
        given = value.arguments.get("args", ())
        named = value.arguments.get("kwargs", {})
        has_own = isinstance(reader.find_member(value.cls, "__init__"), Function)
        if not has_own:
            return sql_type(Call(implementation, tuple(given), dict(named)), reader)
    return sql_type(implementation, reader)


_PARAMETERISED: dict[str, Callable[[Call, Resolver], SqlType | None]] = {
    "String": _string,
    "Unicode": _string,
    "VARCHAR": _string,
    "NVARCHAR": _string,
    "AutoString": _string,
    "CHAR": _char,
    "NCHAR": _char,
    "Float": _float,
    "FLOAT": _float,
    "Numeric": _numeric,
    "NUMERIC": _numeric,
    "DECIMAL": _numeric,
    "DateTime": _datetime("timestamp", "timestamptz"),
    "TIMESTAMP": _datetime("timestamp", "timestamptz"),
    "Time": _datetime("time", "timetz"),
    "TIME": _datetime("time", "timetz"),
    "INTERVAL": _interval,
    "Uuid": _uuid,
    "BIT": _bit,
    "ARRAY": _array,
    "Enum": _enum,
    "ENUM": _enum,
    "DOMAIN": _domain,
}
