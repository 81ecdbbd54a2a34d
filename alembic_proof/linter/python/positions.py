"""Owns where a call stands in its file: line and column, both from 1.

LibCST computes positions by writing the whole module out again, which costs twice as much as
parsing it. The standard library's parser knows them already, so calls are matched by their ordinal
in source order; LibCST is asked only when the two disagree about how many calls there are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields

import libcst as cst

Position = tuple[int, int]


def call_positions(module: cst.Module, tree: ast.Module) -> dict[int, Position]:
    """The position of every call of the module, by ``id()`` of its node.

    Calls inside f-strings are left out: Python before 3.12 does not know where they are.
    """
    nodes = list(_calls(module))
    places = sorted(
        (place.lineno, place.col_offset, -(place.end_lineno or 0), -(place.end_col_offset or 0))
        for place in _ast_calls(tree)
    )
    if len(nodes) != len(places):
        return _slow_positions(module, nodes)
    return {
        id(node): (line, column + 1) for node, (line, column, *_) in zip(nodes, places, strict=True)
    }


def _ast_calls(tree: ast.AST) -> Iterator[ast.Call]:
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind is ast.JoinedStr or kind is ast.Constant or kind is ast.Name:
            continue
        if kind is ast.Call:
            yield node  # type: ignore[misc]
        for name in kind._fields:
            child = getattr(node, name, None)
            if type(child) is list:
                todo.extend(item for item in child if isinstance(item, ast.AST))
            elif isinstance(child, ast.AST):
                todo.append(child)


def _calls(module: cst.Module) -> Iterator[cst.Call]:
    """The calls in source order, the outer one first."""
    todo: list[object] = [module]
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind is cst.Call:
            yield node  # type: ignore[misc]
        names = _FIELDS.get(kind)
        if names is None:
            names = _FIELDS[kind] = _ordered_fields(kind)
        for name in names:
            child = getattr(node, name)
            if child is None:
                continue
            if isinstance(child, list | tuple):
                todo.extend(reversed(child))
            elif isinstance(child, cst.CSTNode):
                todo.append(child)


_SOURCE_ORDER: dict[type, tuple[str, ...]] = {
    cst.IfExp: ("body", "test", "orelse"),
    cst.FunctionDef: ("decorators", "params", "returns", "body"),
    cst.ClassDef: ("decorators", "bases", "keywords", "body"),
    cst.Parameters: ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
    cst.Name: (),
    cst.SimpleString: (),
    cst.Integer: (),
    cst.FormattedString: (),
}
_WITHOUT_CALLS = (
    "whitespace", "lpar", "rpar", "comma", "semicolon", "header", "footer", "leading_lines",
    "trailing", "lines_after", "equal", "indent", "operator", "asynchronous", "keyword",
    "lbracket", "rbracket", "lbrace", "rbrace", "dot", "colon", "star", "encoding", "default_",
    "has_trailing",
)  # fmt: skip
_FIELDS: dict[type, tuple[str, ...]] = {}


def _ordered_fields(kind: type) -> tuple[str, ...]:
    """The fields of a node class that can hold calls, last one first."""
    names = _SOURCE_ORDER.get(kind)
    if names is None:
        names = tuple(
            field.name for field in fields(kind) if not field.name.startswith(_WITHOUT_CALLS)
        )
    return tuple(reversed(names))


def _slow_positions(module: cst.Module, nodes: list[cst.Call]) -> dict[int, Position]:
    from libcst.metadata import MetadataWrapper, PositionProvider

    places = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    return {id(node): (places[node].start.line, places[node].start.column + 1) for node in nodes}
