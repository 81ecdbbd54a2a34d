"""Case files: see ``tests/rules/test_cases.py``."""

from __future__ import annotations

from pathlib import Path

BASE_FILE = Path(__file__).with_name("base.py")
