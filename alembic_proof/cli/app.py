"""Owns the command group and the one place where errors become messages and exit statuses."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Sequence

import click

from alembic_proof import __version__
from alembic_proof.cli.config import config_command
from alembic_proof.cli.effects import effects_command
from alembic_proof.cli.exit_status import ExitStatus
from alembic_proof.cli.explain import explain_command
from alembic_proof.cli.gate import gate_command
from alembic_proof.cli.lint import lint_command
from alembic_proof.cli.output import complain, say
from alembic_proof.cli.rules import rules_command
from alembic_proof.errors import AlembicProofError

PROGRAM = "alembic-proof"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 clean, 1 findings, 2 the job could not be done.",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def app() -> None:
    """Refuse unsafe Alembic migrations before they reach a busy PostgreSQL.

    \b
    alembic-proof lint --diff-base origin/main   judge what this git branch adds
    alembic-proof explain blocking-index-build   what a rule finds, and what to do
    alembic-proof gate                           run it all on a throw-away PostgreSQL
    """  # noqa: D301 - click wants the character itself


for _command in (
    lint_command,
    effects_command,
    gate_command,
    explain_command,
    rules_command,
    config_command,
):
    app.add_command(_command)


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; whatever goes wrong is said here."""
    try:
        status = app.main(args, prog_name=PROGRAM, standalone_mode=False)
    except AlembicProofError as error:
        complain(error)
        return ExitStatus.CANNOT
    except click.ClickException as error:
        error.show()
        return ExitStatus.CANNOT
    except (click.Abort, KeyboardInterrupt):
        say("interrupted: the result is incomplete")
        return ExitStatus.CANNOT
    except SystemExit:
        # click leaves this way, with status 1, when the reader of our output has gone away (EPIPE).
        return ExitStatus.CANNOT
    except Exception as error:  # noqa: BLE001 - the last handler: whatever comes here is our bug
        _confess(error)
        return ExitStatus.CANNOT
    return int(status or 0)


def _confess(error: Exception) -> None:
    traceback.print_exception(error)
    say("")
    say(f"error: this is a bug in {PROGRAM}: {type(error).__name__}: {error}")
    say(
        f"hint: please report it with the lines above ({PROGRAM} {__version__}, "
        f"Python {platform.python_version()}, {platform.platform()})"
    )
