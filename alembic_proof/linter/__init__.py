"""Reads revision files and judges them; never imports user code, Alembic or a database driver."""
