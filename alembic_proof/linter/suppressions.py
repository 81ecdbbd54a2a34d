"""Owns inline allowances: how they are written, what they cover, and when they have no effect.

An allowance is a comment such as::

    # alembic-proof: allow[blocking-index-build, AP105] -- 400 rows, built at night (until 2027-03-01)

At the end of a line it covers the statement that the line belongs to. Alone on a line it covers the
statement that follows, or the one it stands inside. A statement with a block (``def``, ``with``,
``for``, ``if``) is covered with its block. Alone above everything but the docstring it covers the file.
"""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from alembic_proof.findings import Finding

_DIRECTIVE = re.compile(r"alembic[-_]proof\s*(?::\s*|\s+(?=allow\b))(?P<text>.*)", re.IGNORECASE)
_ALLOW = re.compile(r"allow\s*\[(?P<rules>[^\]]*)\]\s*(?P<rest>.*)$", re.IGNORECASE)
_REASON = re.compile(r"(?:--|—|–)\s*(?P<reason>.*)$")
_UNTIL = re.compile(r"\(\s*until\s+(?P<date>[^)]*?)\s*\)\s*$", re.IGNORECASE)
_OTHER_PRAGMA = re.compile(
    r"\s+#\s*(?:noqa|type:|pylint:|pragma:|fmt:|ruff:|nosec|mypy:|pyright:).*"
)
_EXAMPLE = "# alembic-proof: allow[rule-name] -- the reason (until 2030-01-31)"

ProblemKind = Literal[
    "malformed", "no-reason", "unknown-rule", "not-allowable", "expired", "unused"
]


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """One inline exception.

    ``rules`` are names or codes as written. ``line`` and ``column`` (from 1) are those of the
    comment; ``covers`` is the first and last line that it speaks for, None when nothing follows it.
    ``malformed`` says what is wrong with the way it is written; such an allowance has no effect.
    """

    rules: tuple[str, ...]
    reason: str
    until: dt.date | None
    line: int
    column: int
    covers: tuple[int, int] | None
    malformed: str = ""


class AllowanceProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why an allowance, or one rule of it, has no effect."""

    kind: ProblemKind
    path: str
    allowance: Allowance
    message: str
    help: str


class Allowed(NamedTuple):
    """Findings parted by the allowances: still standing, allowed, and what is wrong with allowances."""

    kept: tuple[Finding, ...]
    allowed: tuple[Finding, ...]
    problems: tuple[AllowanceProblem, ...]


def read_allowances(source: str) -> tuple[Allowance, ...]:
    """The allowances in the comments of a Python file, in order.

    A file that is not valid Python has none: reading it as a revision reports that. In a file that
    is Python of a later version than this one they are malformed, as their place means nothing.
    """
    if not re.search(r"alembic[-_]proof", source, re.IGNORECASE):
        return ()
    text = source.removeprefix("\ufeff")
    try:
        comments = list(_comments(text))
    except (SyntaxError, tokenize.TokenError):
        return ()
    places = _places(text) if comments else None
    return tuple(_parse(comment, places) for comment in comments)


def apply_allowances(
    findings: Sequence[Finding],
    allowances: Mapping[str, Sequence[Allowance]],
    *,
    today: dt.date,
    known_rules: Mapping[str, str],
    active_rules: Collection[str] | None = None,
    not_allowable: Collection[str] = (),
) -> Allowed:
    """Part the findings into those that stand and those that an allowance covers.

    ``allowances`` are by the path that findings carry. ``known_rules`` maps every rule's name and
    code to its name. An allowance counts as unused only for ``active_rules``, the names of the rules
    that ran (None for all). ``not_allowable`` names rules whose findings no allowance covers.
    Without a reason, past its date or malformed, an allowance covers nothing. Its last day is the
    date it names.
    """
    effective: list[_Effective] = []
    problems: list[AllowanceProblem] = []
    for path, items in allowances.items():
        for allowance in items:
            judged = _Effective(path, allowance, {})
            problem = _ineffective(judged, today)
            if problem is None:
                problems += judged.accept(known_rules, not_allowable)
                effective.append(judged)
            else:
                problems.append(problem)
    kept: list[Finding] = []
    allowed: list[Finding] = []
    for finding in findings:
        covering = [item for item in effective if item.covers(finding)]
        (allowed if covering else kept).append(finding)
        for item in covering:
            item.used.add(finding.rule)
    for item in effective:
        problems += item.unused(active_rules)
    problems.sort(key=lambda problem: (problem.path, problem.allowance.line, problem.message))
    return Allowed(tuple(kept), tuple(allowed), tuple(problems))


class _Comment(NamedTuple):
    text: str
    line: int
    column: int
    alone: bool


class _Effective:
    """An allowance whose rules are resolved: rule name → as written."""

    def __init__(self, path: str, allowance: Allowance, rules: dict[str, str]) -> None:
        self.path = path
        self.allowance = allowance
        self.rules = rules
        self.used: set[str] = set()

    def accept(
        self, known_rules: Mapping[str, str], not_allowable: Collection[str]
    ) -> Iterator[AllowanceProblem]:
        for written in self.allowance.rules:
            name = known_rules.get(written) or known_rules.get(written.upper())
            name = name or known_rules.get(written.lower())
            if name is None:
                yield self.problem(
                    "unknown-rule",
                    f"the allowance names {written!r}, which is not a rule",
                    _suggestion(written, known_rules),
                )
            elif name in not_allowable:
                yield self.problem(
                    "not-allowable",
                    f"findings of {name} cannot be allowed",
                    "remove it from the allowance and mend what it reports",
                )
            else:
                self.rules[name] = written

    def covers(self, finding: Finding) -> bool:
        span = self.allowance.covers
        return (
            span is not None
            and finding.path == self.path
            and finding.rule in self.rules
            and span[0] <= finding.line <= span[1]
        )

    def unused(self, active_rules: Collection[str] | None) -> Iterator[AllowanceProblem]:
        for name, written in self.rules.items():
            if name not in self.used and (active_rules is None or name in active_rules):
                yield self.problem(
                    "unused",
                    f"the allowance for {written} covers no finding",
                    "remove it, or move it to the statement it is meant for",
                )

    def problem(self, kind: ProblemKind, message: str, help_: str) -> AllowanceProblem:
        return AllowanceProblem(
            kind=kind, path=self.path, allowance=self.allowance, message=message, help=help_
        )


def _ineffective(judged: _Effective, today: dt.date) -> AllowanceProblem | None:
    allowance = judged.allowance
    if allowance.malformed:
        return judged.problem("malformed", allowance.malformed, f"write it as {_EXAMPLE}")
    if not allowance.reason:
        return judged.problem(
            "no-reason",
            f"the allowance for {', '.join(allowance.rules)} gives no reason and has no effect",
            f"say after ' -- ' why it is safe here: {_EXAMPLE}",
        )
    if allowance.until is not None and allowance.until < today:
        return judged.problem(
            "expired",
            f"the allowance for {', '.join(allowance.rules)} ended on {allowance.until}",
            "mend the migration, or give the allowance a new date and reason",
        )
    return None


def _suggestion(written: str, known_rules: Iterable[str]) -> str:
    near = difflib.get_close_matches(written.lower(), known_rules, n=1)
    return f"did you mean {near[0]!r}?" if near else "`alembic-proof rules` lists the rules"


def _comments(source: str) -> Iterator[_Comment]:
    """The comments that are directives of ours."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (match := _DIRECTIVE.search(token.string)):
            line, column = token.start
            alone = not token.line[:column].strip()
            yield _Comment(match["text"].strip(), line, column + 1, alone)


def _parse(comment: _Comment, places: _Places | None) -> Allowance:
    text = _OTHER_PRAGMA.sub("", comment.text)
    match = _ALLOW.match(text)
    rest = match["rest"].strip() if match else ""
    rules = tuple(filter(None, re.split(r"[\s,]+", match["rules"]))) if match else ()
    reason, until, malformed = _reason(rest)
    if match is None:
        malformed = f"the comment 'alembic-proof: {text}' is not an allowance"
    elif not rules:
        malformed = "the allowance names no rule"
    covers = places.of(comment) if places is not None else None
    if places is None:
        malformed = (
            "the file is not Python of this version, so what the allowance covers is unknown"
        )
    elif covers is None and not malformed:
        malformed = "the allowance stands where no statement follows it"
    return Allowance(
        rules=rules,
        reason=reason,
        until=until,
        line=comment.line,
        column=comment.column,
        covers=covers,
        malformed=malformed,
    )


def _reason(rest: str) -> tuple[str, dt.date | None, str]:
    """Reason, last day and complaint from what follows the rules."""
    until: dt.date | None = None
    if date := _UNTIL.search(rest):
        rest = rest[: date.start()].rstrip()
        try:
            until = dt.date.fromisoformat(date["date"])
        except ValueError:
            return "", None, f"the allowance ends on {date['date']!r}, which is not a date"
    match = _REASON.match(rest)
    if rest and match is None:
        return "", until, f"the allowance's reason {rest!r} does not follow ' -- '"
    return (match["reason"].strip() if match else ""), until, ""


def _places(source: str) -> _Places | None:
    try:
        return _Places(ast.parse(source), source)
    except (SyntaxError, ValueError):
        return None


class _Places:
    """Which lines a comment speaks for."""

    def __init__(self, tree: ast.Module, source: str) -> None:
        self._last_line = source.count("\n") + 1
        self._statements = sorted(
            (node for node in ast.walk(tree) if isinstance(node, ast.stmt)),
            key=lambda node: (_first(node), -_last(node)),
        )
        body = tree.body[1:] if ast.get_docstring(tree, clean=False) is not None else tree.body
        self._first_code = _first(body[0]) if body else self._last_line + 1
        self._branches = sorted(_branches(tree))

    def of(self, comment: _Comment) -> tuple[int, int] | None:
        """The lines that a comment covers; None when there is no statement for it."""
        if comment.alone:
            return self._alone(comment)
        return self._branch(comment.line) or self._around(comment.line)

    def _alone(self, comment: _Comment) -> tuple[int, int] | None:
        if comment.line < self._first_code:
            return (1, self._last_line)
        around = self._innermost(comment.line)
        if around is not None and not _is_between_statements(around, comment.line):
            return (_first(around), _last(around))
        following = next((node for node in self._statements if _first(node) > comment.line), None)
        if following is None or following.col_offset < comment.column - 1:
            return None
        return (comment.line, _last(following))

    def _around(self, line: int) -> tuple[int, int] | None:
        node = self._innermost(line)
        return (_first(node), _last(node)) if node is not None else None

    def _innermost(self, line: int) -> ast.stmt | None:
        around = [node for node in self._statements if _first(node) <= line <= _last(node)]
        return around[-1] if around else None

    def _branch(self, line: int) -> tuple[int, int] | None:
        """The block under an ``else:``, ``except …:`` or ``finally:`` on this line."""
        for after, first, last in self._branches:
            if after < line < first:
                return (line, last)
        return None


def _branches(tree: ast.Module) -> Iterator[tuple[int, int, int]]:
    """Later blocks of compound statements: the line before the header, their first and last line."""
    for node in ast.walk(tree):
        before = 0
        for name in ("body", "handlers", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if not isinstance(block, list) or not block:
                continue
            for part in block if name == "handlers" else [None]:
                body = part.body if part is not None else block
                if before and not _is_elif(node, name):
                    yield before, _first(body[0]), _last(body[-1])
                before = _last(body[-1])


def _is_elif(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.If)
        and name == "orelse"
        and len(node.orelse) == 1
        and isinstance(node.orelse[0], ast.If)
        and node.orelse[0].col_offset == node.col_offset
    )


def _is_between_statements(node: ast.stmt, line: int) -> bool:
    """Whether a line inside a compound statement is outside all of its expressions."""
    body = getattr(node, "body", None)
    return isinstance(body, list) and bool(body) and line >= _header_end(node)


def _header_end(node: ast.stmt) -> int:
    """The last line of the expressions before a compound statement's block."""
    lines = [node.lineno]
    for field in ("test", "iter", "subject", "returns", "args", "items"):
        value = getattr(node, field, None)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                lines += [_last(child) for child in ast.walk(part) if isinstance(child, ast.expr)]
    return max(lines)


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _last(node: ast.stmt | ast.expr) -> int:
    return node.lineno if node.end_lineno is None else node.end_lineno
