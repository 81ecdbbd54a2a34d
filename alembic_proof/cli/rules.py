"""``alembic-proof rules``: the list of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from alembic_proof.cli.exit_status import ExitStatus
from alembic_proof.cli.options import color_option
from alembic_proof.cli.output import deliver, style_for

if TYPE_CHECKING:
    from alembic_proof.gate.checks.catalogue import GateFinding
    from alembic_proof.rules.base import Rule


@click.command("rules")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the list is written.",
)
@color_option
def rules_command(format_: str, color: str) -> ExitStatus:
    """List the rules, the gate's (AP9) included: code, name, severity and what each finds."""
    from alembic_proof.gate.checks.catalogue import GATE_FINDINGS
    from alembic_proof.rules import all_rules

    listed: list[Rule | GateFinding] = [*all_rules(), *GATE_FINDINGS]
    if format_ == "json":
        rows = [
            {
                "code": rule.code,
                "rule": rule.name,
                "severity": rule.severity.value,
                "confidence": rule.confidence.value,
                "summary": rule.summary,
            }
            for rule in listed
        ]
        encoded = msgspec.json.encode({"version": 1, "rules": rows})
        deliver(msgspec.json.format(encoded, indent=2).decode() + "\n")
        return ExitStatus.CLEAN
    style = style_for(color)
    lines = []
    for rule in listed:
        lines.append(
            f"{style.paint(rule.code, 'cyan')}  {style.paint(rule.name, 'bold')} "
            f"({rule.severity.value})"
        )
        lines += style.wrap(rule.summary, indent=" " * 7)
    deliver("\n".join(lines) + "\n")
    return ExitStatus.CLEAN
