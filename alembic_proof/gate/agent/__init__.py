"""The program that runs in the project's own interpreter and drives its Alembic environment.

Only the standard library and the project's own alembic and sqlalchemy may be imported here, in
syntax that Python 3.8 reads, and siblings only by relative import: the package is started from its
folder under another name (see ``__main__``), where the rest of alembic-proof is not installed.
"""
