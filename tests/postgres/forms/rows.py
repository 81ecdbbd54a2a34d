"""How many rows the tables of the forms have."""

from __future__ import annotations

from typing import Final

ROWS: Final = 1200
"""Enough rows that the planner scans where a large table would be scanned."""
