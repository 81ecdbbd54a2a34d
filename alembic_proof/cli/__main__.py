"""``python -m alembic_proof.cli``."""

from alembic_proof.cli import main

main()
