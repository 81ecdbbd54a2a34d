"""Tests on packages from the index run when they are asked for: ``pytest -m corpus``."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "corpus: downloads real packages from the package index")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(HERE):
            continue
        item.add_marker(pytest.mark.corpus)
        if "corpus" not in config.option.markexpr:
            item.add_marker(pytest.mark.skip(reason="downloads packages: run pytest -m corpus"))
