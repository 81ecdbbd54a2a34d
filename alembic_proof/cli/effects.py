"""``alembic-proof effects``: what each revision will do, table by table."""

from __future__ import annotations

from pathlib import Path

import click

from alembic_proof.cli.exit_status import ExitStatus
from alembic_proof.cli.judging import judge
from alembic_proof.cli.lint import say_what_is_pending
from alembic_proof.cli.options import Request, color_option, names, selection_options
from alembic_proof.cli.output import deliver, style_for


@click.command("effects")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@selection_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the result is written; JSON is that of lint.",
)
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the result to a file."
)
@color_option
def effects_command(
    paths: tuple[Path, ...],
    config_file: Path | None,
    diff_base: str | None,
    since: str | None,
    every: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    postgres: int | None,
    no_cache: bool,
    format_: str,
    output: Path | None,
    color: str,
) -> ExitStatus:
    """Show what each revision will do to each table: lock, kind of work, why.

    Nothing is judged, so the exit status is 0 whatever is shown, and 2 when something could not be
    read.

    \b
    alembic-proof effects                            the whole history
    alembic-proof effects --diff-base origin/main    what this git branch adds
    alembic-proof effects --format json              for other programs
    """  # noqa: D301 - click wants the character itself
    request = Request(
        paths=paths or (Path(),),
        config_file=config_file,
        diff_base=diff_base,
        since=since,
        all=every,
        select=names(select),
        ignore=names(ignore),
        postgres=postgres,
        use_cache=not no_cache,
    )
    run = judge(request)
    if format_ == "json":
        from alembic_proof.reporters.json import render_json

        text = render_json(run.reports, run.failures) if run.judged else ""
    else:
        from alembic_proof.reporters.effects import render_effects

        style = style_for(color, output)
        text = "\n".join(render_effects(report, style) for report in run.reports)
    if text:
        deliver(text, output)
    say_what_is_pending(run, request)
    status = run.finish()
    return ExitStatus.CLEAN if status is ExitStatus.FINDINGS else status
