"""Safety linter and release gate for Alembic migrations on PostgreSQL."""
