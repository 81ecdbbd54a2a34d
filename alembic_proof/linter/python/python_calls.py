"""Owns what Python's own functions and methods return for the values the evaluator holds.

Nothing here reaches the database. A function that is not known returns an
:class:`~alembic_proof.linter.python.values.Unknown`, which is always a correct answer.
"""

from __future__ import annotations

import contextlib
import itertools
import textwrap
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from alembic_proof.linter.python.values import (
    Bound,
    Class,
    Function,
    Instance,
    Items,
    Mapping,
    Method,
    Parent,
    Ref,
    Unknown,
    Value,
    has_hole,
    is_known,
    known_text,
)

if TYPE_CHECKING:
    from alembic_proof.linter.python.attributes import Resolver
    from alembic_proof.linter.python.evaluate import CallSite
    from alembic_proof.linter.python.frames import Frame

_Args = tuple[Value, ...]
_Kwargs = dict[str, Value]


def call_function(
    reader: Resolver, path: str, args: _Args, kwargs: _Kwargs, site: CallSite
) -> Value:
    """What a function of the standard library returns."""
    handler = _FUNCTIONS.get(path)
    if handler is not None:
        result = handler(reader, args, kwargs, site)
        if result is not NotImplemented:
            return result
    return Unknown(site.source)


def call_method(
    reader: Resolver,
    receiver: Value,
    name: str,
    args: _Args,
    kwargs: _Kwargs,
    site: CallSite,
) -> Value:
    """What a method of a Python literal returns; lists and dictionaries are changed in place."""
    result: Value = NotImplemented
    if isinstance(receiver, str):
        result = _text_method(reader, receiver, name, args, kwargs, site)
    elif isinstance(receiver, Items):
        result = _list_method(reader, receiver, name, args)
    elif isinstance(receiver, Mapping):
        result = _mapping_method(reader, receiver, name, args, kwargs)
    elif isinstance(receiver, PurePath):
        result = _path_method(reader, receiver, name, args)
    elif isinstance(receiver, tuple | set | frozenset):
        result = _sequence_method(receiver, name, args)
    return Unknown(site.source) if result is NotImplemented else result


def _text_method(
    reader: Resolver, text: str, name: str, args: _Args, kwargs: _Kwargs, site: CallSite
) -> Value:
    if name == "format":
        if not site.exact:
            return reader.hole(site.source)
        return reader.lift(
            lambda *values: reader.format_braces(
                text,
                values[: len(args)],
                dict(zip(kwargs, values[len(args) :], strict=True)),
                site.source,
            ),
            *args,
            *kwargs.values(),
        )
    if name == "format_map" and args and isinstance(args[0], Mapping):
        named = {str(key): value for key, value in args[0].items()}
        return reader.format_braces(text, (), named, site.source)
    if name == "join" and args:
        return _join(reader, text, args[0], site)
    if name not in _TEXT_METHODS or not all(is_known(arg) for arg in args):
        return NotImplemented
    if has_hole(text) and name not in _HOLE_SAFE:
        return NotImplemented
    try:
        result = getattr(text, name)(*args, **kwargs)
    except (TypeError, ValueError, IndexError, KeyError, LookupError):
        return NotImplemented
    return Items(result, level=reader.recorder.level) if isinstance(result, list) else result


def _join(reader: Resolver, text: str, values: Value, site: CallSite) -> Value:
    items, more = reader.iterate(values)
    if more:
        return reader.hole(site.source)
    return reader.lift(
        lambda *options: text.join(
            reader.text(option, f"{site.source}[{index}]") for index, option in enumerate(options)
        ),
        *items,
    )


_TEXT_METHODS = frozenset({
    "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "swapcase",
    "replace", "split", "rsplit", "splitlines", "partition", "rpartition", "startswith", "endswith",
    "removeprefix", "removesuffix", "count", "find", "rfind", "index", "isdigit", "isalpha",
    "isidentifier", "isupper", "islower", "zfill", "ljust", "rjust", "center", "expandtabs",
    "encode", "translate", "isnumeric", "isalnum", "isspace",
})  # fmt: skip
_HOLE_SAFE = frozenset(
    {"strip", "lstrip", "rstrip", "replace", "splitlines", "expandtabs", "split"}
)


def _list_method(reader: Resolver, items: Items, name: str, args: _Args) -> Value:
    deeper = items.level < reader.recorder.level
    if name in ("append", "insert", "add") and args:
        items.append(args[-1]) if name != "insert" else items.insert(
            _index(args[0], items), args[-1]
        )
        items.more = items.more or deeper
        return None
    if name in ("extend", "update") and args:
        added, more = reader.iterate(args[0])
        items.extend(added)
        items.more = items.more or more or deeper
        return None
    if name in ("clear", "remove", "sort", "reverse", "discard"):
        return _rearrange(items, name, args, deeper=deeper)
    if name == "pop":
        known = not items.more and not deeper and items and all(isinstance(a, int) for a in args)
        if known and -len(items) <= (args[0] if args else -1) < len(items):
            return items.pop(*args)
        items.more = True
        return NotImplemented
    if name == "copy":
        return Items(items, more=items.more, level=reader.recorder.level)
    return NotImplemented if items.more else _sequence_method(tuple(items), name, args)


def _index(value: Value, items: Items) -> int:
    return value if isinstance(value, int) else len(items)


def _rearrange(items: Items, name: str, args: _Args, *, deeper: bool) -> Value:
    exact = not deeper and not items.more and all(is_known(item) for item in (*items, *args))
    try:
        if exact and name == "sort":
            items.sort()
        elif exact and name == "reverse":
            items.reverse()
        elif exact and name == "clear":
            items.clear()
        elif exact and args and args[0] in items:
            items.remove(args[0])
        else:
            items.more = items.more or name not in ("sort", "reverse")
    except TypeError:
        items.more = True
    return None


def _mapping_method(
    reader: Resolver, mapping: Mapping, name: str, args: _Args, kwargs: _Kwargs
) -> Value:
    deeper = mapping.level < reader.recorder.level
    match name:
        case "items":
            return Items(mapping.items(), more=mapping.more, level=reader.recorder.level)
        case "keys":
            return Items(mapping.keys(), more=mapping.more, level=reader.recorder.level)
        case "values":
            return Items(mapping.values(), more=mapping.more, level=reader.recorder.level)
        case "copy":
            return Mapping(mapping, more=mapping.more, level=reader.recorder.level)
        case "get" | "pop" | "setdefault" if args and known_text(args[0]) is not None:
            return _mapping_get(mapping, name, args, deeper=deeper)
        case "pop" | "setdefault" | "clear" | "popitem":
            mapping.more = True
        case "update":
            for source in args:
                if isinstance(source, Mapping):
                    mapping.update(source)
                    mapping.more = mapping.more or source.more
                else:
                    mapping.more = True
            mapping.update(kwargs)
            mapping.more = mapping.more or deeper
            return None
    return NotImplemented


def _mapping_get(mapping: Mapping, name: str, args: _Args, *, deeper: bool) -> Value:
    default = args[1] if len(args) > 1 else None
    if args[0] in mapping:
        value = mapping[args[0]]
        if name == "pop" and not deeper:
            del mapping[args[0]]
        return value
    if mapping.more:
        return NotImplemented
    if name == "setdefault":
        mapping[args[0]] = default
        mapping.more = mapping.more or deeper
    return default


def _sequence_method(values: Value, name: str, args: _Args) -> Value:
    if name in ("index", "count", "union", "difference", "intersection", "issubset"):
        if not is_known(values) or not all(is_known(arg) for arg in args):
            return NotImplemented
        try:
            return getattr(values, name)(*args)
        except (TypeError, ValueError, AttributeError):
            return NotImplemented
    return NotImplemented


def _path_method(reader: Resolver, path: PurePath, name: str, args: _Args) -> Value:
    if name in ("resolve", "absolute", "expanduser"):
        return path
    if name in ("joinpath", "with_name", "with_suffix") and all(isinstance(a, str) for a in args):
        return getattr(path, name)(*args)
    if name == "open":
        return path
    if name in ("read_text", "read"):
        text = reader.sources.text(Path(path))
        if text is None:
            return NotImplemented
        return text
    if name == "read_bytes":
        text = reader.sources.text(Path(path))
        return NotImplemented if text is None else text.encode()
    if name in ("exists", "is_file"):
        return Path(path).is_file() or NotImplemented
    return NotImplemented


def path_attribute(path: PurePath, name: str) -> Value:
    """``path.parent`` and the like."""
    if name in ("parent", "name", "stem", "suffix"):
        return getattr(path, name)
    if name == "parents":
        return tuple(path.parents)
    return Method(path, name)


# Functions


def _open(_reader: Resolver, args: _Args, kwargs: _Kwargs, _site: CallSite) -> Value:
    path = args[0] if args else kwargs.get("file")
    if isinstance(path, str) and not has_hole(path):
        path = Path(path)
    if not isinstance(path, PurePath):
        return NotImplemented
    return Path(path)


def _text_function(function: Callable[[str], str]) -> Callable[..., Value]:
    def call(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
        return function(args[0]) if args and isinstance(args[0], str) else NotImplemented

    return call


def _join_paths(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if args and all(isinstance(arg, PurePath) or known_text(arg) is not None for arg in args):
        return Path(*args)
    return NotImplemented


def _parent(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if args and (isinstance(args[0], PurePath) or known_text(args[0]) is not None):
        return Path(args[0]).parent
    return NotImplemented


def _same(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    return args[0] if args else NotImplemented


def _str(reader: Resolver, args: _Args, _kwargs: _Kwargs, site: CallSite) -> Value:
    if not args:
        return ""
    if isinstance(args[0], PurePath):
        return args[0]
    return reader.lift(lambda value: reader.text(value, site.source), args[0])


def _number(kind: type) -> Callable[..., Value]:
    def call(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
        if not args or not isinstance(args[0], str | int | float) or not is_known(args[0]):
            return NotImplemented
        try:
            return kind(args[0])
        except (ValueError, OverflowError):
            return NotImplemented

    return call


def _bool(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    truth = reader.truth(args[0]) if args else False
    return NotImplemented if truth is None else truth


def _list(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if not args:
        return Items(level=reader.recorder.level)
    items, more = reader.iterate(args[0])
    return Items(items, more=more, level=reader.recorder.level)


def _tuple(reader: Resolver, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
    items = _list(reader, args, kwargs, site)
    return items if items.more else tuple(items)


def _dict(reader: Resolver, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
    result = Mapping(level=reader.recorder.level, more=not site.exact)
    for source in args:
        if isinstance(source, Mapping):
            result.update(source)
            result.more = result.more or source.more
            continue
        pairs, more = reader.iterate(source)
        result.more = result.more or more
        for pair in pairs:
            if isinstance(pair, tuple) and len(pair) == 2:
                reader.set_item(result, *pair)
            else:
                result.more = True
    result.update(kwargs)
    return result


def _range(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if not args or not all(isinstance(arg, int) for arg in args):
        return NotImplemented
    try:
        numbers = range(*args)
    except (TypeError, ValueError):
        return NotImplemented
    return Items(numbers[:1000], more=len(numbers) > 1000)


def _enumerate(reader: Resolver, args: _Args, kwargs: _Kwargs, _site: CallSite) -> Value:
    items, more = reader.iterate(args[0])
    start = args[1] if len(args) > 1 else kwargs.get("start", 0)
    if more:
        return Items([(Unknown("an index"), item) for item in items], more=True)
    if not isinstance(start, int):
        return NotImplemented
    return Items(list(enumerate(items, start)), level=reader.recorder.level)


def _zip(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    columns = [reader.iterate(arg) for arg in args]
    rows = list(zip(*(items for items, _ in columns), strict=False))
    return Items(rows, more=any(more for _, more in columns), level=reader.recorder.level)


def _sorted(reader: Resolver, args: _Args, kwargs: _Kwargs, _site: CallSite) -> Value:
    items, more = reader.iterate(args[0])
    if not kwargs and not more and all(is_known(item) for item in items):
        with contextlib.suppress(TypeError):
            items = sorted(items)
    return Items(items, more=more, level=reader.recorder.level)


def _reversed(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    items, more = reader.iterate(args[0])
    return Items(items[::-1], more=more, level=reader.recorder.level)


def _filter(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    items, more = reader.iterate(args[-1])
    kept = Items(level=reader.recorder.level, more=more)
    for item in items:
        truth = reader.truth(item if args[0] is None else reader.apply(args[0], (item,)))
        if truth is not False:
            kept.append(item)
            kept.more = kept.more or truth is None
    return kept


def _map(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    columns = [reader.iterate(arg) for arg in args[1:]]
    more = any(unknown for _, unknown in columns)
    rows = zip(*(items for items, _ in columns), strict=False)
    return Items([reader.apply(args[0], row) for row in rows], more=more)


def _any_all(either: bool) -> Callable[..., Value]:
    def call(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
        items, more = reader.iterate(args[0])
        truths = [reader.truth(item) for item in items]
        if either in truths and not more:
            return either
        return NotImplemented if more or None in truths else not either

    return call


def _len(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    value = reader.consume(args[0])
    if isinstance(value, Items | Mapping):
        return NotImplemented if value.more else len(value)
    if isinstance(value, tuple | set | frozenset):
        return len(value)
    return len(value) if isinstance(value, str) and not has_hole(value) else NotImplemented


def _extremum(function: Callable[..., Value]) -> Callable[..., Value]:
    def call(_reader: Resolver, args: _Args, kwargs: _Kwargs, _site: CallSite) -> Value:
        if kwargs or not args or not all(is_known(arg) for arg in args):
            return NotImplemented
        try:
            return function(*args)
        except (TypeError, ValueError):
            return NotImplemented

    return call


def _getattr(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if len(args) >= 2 and known_text(args[1]) is not None:
        return reader.attribute(args[0], args[1])
    return NotImplemented


def _hasattr(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if len(args) == 2 and isinstance(args[0], Instance) and isinstance(args[1], str):
        return args[1] in args[0].attributes or NotImplemented
    return NotImplemented


def _setattr(reader: Resolver, args: _Args, _kwargs: _Kwargs, site: CallSite) -> Value:
    if len(args) == 3:
        name = known_text(args[1])
        reader.set_attribute(args[0], name or reader.hole(site.source), args[2], site.source)
    return None


def _isinstance(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if len(args) != 2:
        return NotImplemented
    wanted = args[1] if isinstance(args[1], tuple) else (args[1],)
    outcomes = [reader.is_instance(args[0], kind) for kind in wanted]
    if True in outcomes:
        return True
    return False if all(outcome is False for outcome in outcomes) else NotImplemented


def _callable(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    if args and isinstance(args[0], Function | Class | Bound):
        return True
    return NotImplemented


def _globals(_reader: Resolver, _args: _Args, _kwargs: _Kwargs, site: CallSite) -> Value:
    return Mapping(site.frame.module.names)


def _locals(_reader: Resolver, _args: _Args, _kwargs: _Kwargs, site: CallSite) -> Value:
    return Mapping(site.frame.names)


def _partial(_reader: Resolver, args: _Args, kwargs: _Kwargs, _site: CallSite) -> Value:
    return Bound(args[0], args[1:], kwargs) if args else NotImplemented


def _chain(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    result = Items(level=reader.recorder.level)
    for arg in args:
        items, more = reader.iterate(arg)
        result.extend(items)
        result.more = result.more or more
    return result


def _product(reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    columns = [reader.iterate(arg) for arg in args]
    rows = list(itertools.islice(itertools.product(*(items for items, _ in columns)), 500))
    return Items(rows, more=any(more for _, more in columns), level=reader.recorder.level)


def _identity_decorator(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    return args[0] if args and isinstance(args[0], Function) else NotImplemented


def _default_mapping(reader: Resolver, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
    """``defaultdict``: asking for a key may add it, so that it is never known to be complete."""
    result: Mapping = _dict(reader, args[1:], kwargs, site)
    result.more = True
    return result


def _imported(_reader: Resolver, args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    """``importlib.import_module("package.module")``: the module's name, as an import gives it."""
    if len(args) != 1 or not isinstance(args[0], str) or not is_known(args[0]):
        return NotImplemented
    return NotImplemented if args[0].startswith(".") else Ref(args[0])


def _package_file(reader: Resolver, args: _Args, _kwargs: _Kwargs, site: CallSite) -> Value:
    """``importlib.resources.files("package")``: the folder of the package."""
    if not args:
        return NotImplemented
    package = args[0].path if isinstance(args[0], Ref) else known_text(args[0])
    if package is None:
        return NotImplemented
    file = reader.sources.find(package, "", site.frame.module.path)
    return NotImplemented if file is None else file.parent


def _package_data(reader: Resolver, args: _Args, kwargs: _Kwargs, site: CallSite) -> Value:
    folder = _package_file(reader, args, kwargs, site)
    if isinstance(folder, PurePath) and len(args) == 2 and isinstance(args[1], str):
        text = reader.sources.text(Path(folder / args[1]))
        return NotImplemented if text is None else text
    return NotImplemented


def _super(_reader: Resolver, args: _Args, _kwargs: _Kwargs, site: CallSite) -> Value:
    if len(args) == 2 and isinstance(args[0], Class):
        return Parent(args[0], args[1])
    frame: Frame | None = site.frame
    while frame is not None and frame.owner is None:
        frame = frame.parent
    parameters = getattr(getattr(frame, "function", None), "params", None)
    if frame is None or parameters is None or not parameters.params:
        return NotImplemented
    return Parent(frame.owner, frame.names.get(parameters.params[0].name.value))


def _exits(_reader: Resolver, _args: _Args, _kwargs: _Kwargs, _site: CallSite) -> Value:
    from alembic_proof.linter.python.statements import EXITS

    return EXITS


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "builtins.str": _str,
    "builtins.int": _number(int),
    "builtins.float": _number(float),
    "builtins.bool": _bool,
    "builtins.list": _list,
    "builtins.set": _list,
    "builtins.frozenset": _list,
    "builtins.tuple": _tuple,
    "builtins.dict": _dict,
    "builtins.range": _range,
    "builtins.enumerate": _enumerate,
    "builtins.zip": _zip,
    "builtins.sorted": _sorted,
    "builtins.reversed": _reversed,
    "builtins.filter": _filter,
    "builtins.map": _map,
    "builtins.any": _any_all(either=True),
    "builtins.all": _any_all(either=False),
    "builtins.len": _len,
    "builtins.min": _extremum(min),
    "builtins.max": _extremum(max),
    "builtins.getattr": _getattr,
    "builtins.hasattr": _hasattr,
    "builtins.setattr": _setattr,
    "builtins.isinstance": _isinstance,
    "builtins.callable": _callable,
    "builtins.globals": _globals,
    "builtins.locals": _locals,
    "builtins.iter": _same,
    "builtins.super": _super,
    "builtins.open": _open,
    "builtins.exit": _exits,
    "sys.exit": _exits,
    "codecs.open": _open,
    "io.open": _open,
    "io.StringIO": _same,
    "textwrap.dedent": _text_function(textwrap.dedent),
    "inspect.cleandoc": _text_function(lambda text: textwrap.dedent(text).strip()),
    "os.path.join": _join_paths,
    "os.path.dirname": _parent,
    "os.path.abspath": _same,
    "os.path.realpath": _same,
    "os.path.normpath": _same,
    "os.fspath": _same,
    "pathlib.Path": _join_paths,
    "pathlib.PurePath": _join_paths,
    "copy.copy": _same,
    "copy.deepcopy": _same,
    "typing.cast": lambda _r, args, _k, _s: args[1] if len(args) == 2 else NotImplemented,
    "collections.OrderedDict": _dict,
    "collections.defaultdict": _default_mapping,
    "collections.deque": _list,
    "types.MappingProxyType": _same,
    "functools.partial": _partial,
    "functools.lru_cache": _identity_decorator,
    "functools.cache": _identity_decorator,
    "itertools.chain": _chain,
    "itertools.chain.from_iterable": lambda r, args, k, s: _chain(
        r, tuple(r.iterate(args[0])[0]), k, s
    ),
    "itertools.product": _product,
    "builtins.__import__": _imported,
    "importlib.import_module": _imported,
    "importlib.resources.files": _package_file,
    "importlib.resources.read_text": _package_data,
    "pkgutil.get_data": _package_data,
    "asyncio.run": _same,
}
