"""Disposable PostgreSQL servers: a URL you name, Docker, local binaries, the embedded wheel."""
