"""Runs things on a real PostgreSQL; alone imports alembic, sqlalchemy and psycopg."""
