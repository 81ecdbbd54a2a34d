"""``alembic-proof lint``: judge migrations without running them."""

from __future__ import annotations

from pathlib import Path

import click

from alembic_proof.cli.exit_status import ExitStatus
from alembic_proof.cli.judging import Run, judge, source_of
from alembic_proof.cli.options import Request, color_option, names, selection_options
from alembic_proof.cli.output import deliver, note, style_for
from alembic_proof.findings import Severity
from alembic_proof.reporters.style import Style


@click.command("lint", epilog="Exit status: 0 clean, 1 findings, 2 the job could not be done.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@selection_options
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
def lint_command(
    paths: tuple[Path, ...],
    config_file: Path | None,
    diff_base: str | None,
    since: str | None,
    every: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    postgres: int | None,
    no_cache: bool,
    fail_on: str | None,
    format_: str,
    output: Path | None,
    color: str,
) -> ExitStatus:
    """Judge pending migrations without running them.

    PATH is a project's folder, its alembic.ini, a folder with several projects, or a revision file;
    by default the current folder.

    \b
    alembic-proof lint --diff-base origin/main   what this git branch adds
    alembic-proof lint --since 1a2b3c4d5e6f      what production does not have yet
    alembic-proof lint --all                     every revision, one release each
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
        fail_on=Severity(fail_on) if fail_on else None,
        use_cache=not no_cache,
    )
    run = judge(request)
    if format_ == "json":
        from alembic_proof.reporters.json import render_json

        text = render_json(run.reports, run.failures) if run.judged else ""
    else:
        text = _text(run, style_for(color, output))
    if text:
        deliver(text, output)
    say_what_is_pending(run, request)
    return run.finish()


def say_what_is_pending(run: Run, request: Request) -> None:
    """Say how to judge only what is pending, or that there is nothing pending."""
    everything = False
    for item in run.judged:
        base = request.diff_base or request.since or item.config.diff_base or item.config.since
        everything |= base is None and not request.all
        if not item.report.revisions:
            read = f"{item.report.read:,} in {item.report.project}"
            note(f"nothing to judge: 0 pending revisions of {read} since {base}")
    if everything:
        note("--diff-base origin/main or --since REVISION judges what is pending, as one release")


def _text(run: Run, style: Style) -> str:
    from alembic_proof.reporters.text import counts_line, render_text

    texts = [render_text(item.report, source_of(item.project), style) for item in run.judged]
    if len(texts) <= 1:
        return "".join(texts)
    parts = [
        f"{style.paint(report.project, 'bold')}\n\n{text}"
        for report, text in zip(run.reports, texts, strict=True)
    ]
    findings = [finding for report in run.reports for finding in report.findings]
    allowed = sum(len(report.allowed) for report in run.reports)
    return "\n".join([*parts, f"{len(parts)} projects: {counts_line(findings, allowed)}\n"])
