"""``alembic-proof config``: the settings that hold here, and where each comes from."""

from __future__ import annotations

from pathlib import Path

import click

from alembic_proof.cli.exit_status import ExitStatus
from alembic_proof.cli.judging import load_settings
from alembic_proof.cli.options import config_option
from alembic_proof.cli.output import deliver


@click.command("config")
@click.argument("path", required=False, default=".", type=click.Path(path_type=Path))
@config_option
def config_command(path: Path, config_file: Path | None) -> ExitStatus:
    """Check the settings that hold for PATH, and print each with its origin."""
    from alembic_proof.config import describe
    from alembic_proof.errors import ConfigError

    if not path.exists():
        raise ConfigError(f"cannot read {path}: no such file or folder", hint="give a folder")
    config = load_settings(path, config_file)
    rows = describe(config)
    key_width = max(len(key) for key, _, _ in rows)
    value_width = min(max(len(value) for _, value, _ in rows), 40)
    lines = [f"{key:<{key_width}}  {value:<{value_width}}  {origin}" for key, value, origin in rows]
    deliver("\n".join(lines) + "\n")
    return ExitStatus.CLEAN
