"""``alembic-proof explain``: the documentation of one rule, for the terminal."""

from __future__ import annotations

import difflib
import textwrap
from typing import TYPE_CHECKING

import click

from alembic_proof.cli.exit_status import ExitStatus
from alembic_proof.cli.options import color_option
from alembic_proof.cli.output import deliver, style_for
from alembic_proof.errors import UsageError
from alembic_proof.reporters.style import Style

if TYPE_CHECKING:
    from alembic_proof.gate.checks.catalogue import GateFinding
    from alembic_proof.rules.base import Rule


@click.command("explain")
@click.argument("rule", metavar="RULE")
@color_option
def explain_command(rule: str, color: str) -> ExitStatus:
    """Explain a rule, by its code or name: what it finds, why it hurts, what to do instead."""
    from alembic_proof.gate.checks.catalogue import find_gate_finding
    from alembic_proof.rules import find_rule

    found = find_rule(rule) or find_gate_finding(rule)
    if found is None:
        raise _unknown(rule)
    deliver(render_rule(found, style_for(color)))
    return ExitStatus.CLEAN


def render_rule(rule: Rule | GateFinding, style: Style) -> str:
    """The documentation of a rule, or of a finding of the gate, as text; a rule has examples."""
    remark = f"{rule.severity.value}, {rule.confidence.value} confidence"
    lines = [f"{style.paint(f'{rule.code} {rule.name}', 'bold')} ({remark})", ""]
    lines += _markdown(rule.documentation, style)
    for heading in ("Given", "Bad", "Good"):
        if example := getattr(rule, heading.lower(), "").strip("\n"):
            lines += [style.paint(heading, "bold"), *_code(example), ""]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(text: str, style: Style) -> list[str]:
    """The little Markdown that rules are documented in: headings, paragraphs, lists, code."""
    lines: list[str] = []
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        ends = not line.strip() or line.startswith(("## ", "- ", "    "))
        if ends and paragraph:
            lines += _paragraph(paragraph, style)
            paragraph = []
        if line.startswith("## "):
            lines.append(style.paint(line.removeprefix("## "), "bold"))
        elif line.startswith("    "):
            lines.append(f"  {line}")
        elif line.strip():
            paragraph.append(line)
        elif lines and lines[-1]:
            lines.append("")
    return lines


def _paragraph(paragraph: list[str], style: Style) -> list[str]:
    indent = "    " if paragraph[0].startswith("- ") else "  "
    return style.wrap(" ".join(line.strip() for line in paragraph), indent=indent, first="  ")


def _code(example: str) -> list[str]:
    return [f"    {line}".rstrip() for line in textwrap.dedent(example).splitlines()]


def _unknown(written: str) -> UsageError:
    from alembic_proof.gate.checks.catalogue import GATE_FINDINGS
    from alembic_proof.rules import all_rules

    explained: tuple[Rule | GateFinding, ...] = (*all_rules(), *GATE_FINDINGS)
    names = {name.lower(): name for item in explained for name in (item.code, item.name)}
    near = difflib.get_close_matches(written.lower(), names, n=1, cutoff=0.5)
    return UsageError(
        f"there is no rule {written!r}",
        hint=f"did you mean {names[near[0]]!r}?" if near else "`alembic-proof rules` lists them",
    )
