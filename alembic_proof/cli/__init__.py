"""The command line: thin commands, one file each; exit statuses are decided in one place.

``exit_status`` decides, ``app`` joins the commands and is the only handler of errors.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit status."""
    from alembic_proof.cli.app import run

    sys.exit(run(args))
