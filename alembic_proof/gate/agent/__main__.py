"""Starts the agent: ``python <this folder> COMMANDS_FD REPLIES_FD``.

The package is loaded from its folder as ``alembic_proof_agent``, so that it needs no installation,
and its folder is taken off ``sys.path``, so that none of its modules can shadow the project's.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

PACKAGE = "alembic_proof_agent"


def start() -> None:
    """Load the package from this folder and hand over to it."""
    folder = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != folder]  # noqa: PTH100
    specification = importlib.util.spec_from_file_location(
        PACKAGE,
        os.path.join(folder, "__init__.py"),  # noqa: PTH118
        submodule_search_locations=[folder],
    )
    if specification is None or specification.loader is None:
        raise ImportError(folder)
    package = importlib.util.module_from_spec(specification)
    sys.modules[PACKAGE] = package
    specification.loader.exec_module(package)
    commands, replies = (int(argument) for argument in sys.argv[1:3])
    importlib.import_module(PACKAGE + ".conversation").converse(commands, replies)


if __name__ == "__main__":
    start()
