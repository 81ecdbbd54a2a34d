"""Fails when a test was skipped for a reason that README.md does not list.

Usage: check_skipped_tests.py README.md JUNIT.xml

The reasons are the code spans that begin the list items below the heading "Skipped tests"; one
allows every skip whose message contains it.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def allowed_reasons(readme: str) -> list[str]:
    """Return the reasons listed below the heading "Skipped tests"."""
    sections = re.split(r"^#+ ", readme, flags=re.MULTILINE)
    section = next((text for text in sections if text.startswith("Skipped tests\n")), "")
    return re.findall(r"^[-*] `([^`]+)`", section, flags=re.MULTILINE)


def skipped_tests(report: ElementTree.Element) -> list[tuple[str, str]]:
    """Return name and message of every skipped test in a JUnit report."""
    return [
        (f"{case.get('classname')}::{case.get('name')}", skipped.get("message", ""))
        for case in report.iter("testcase")
        for skipped in case.findall("skipped")
    ]


def main() -> int:
    """Print what was skipped without leave; return the exit status."""
    readme, junit = (Path(argument) for argument in sys.argv[1:])
    allowed = allowed_reasons(readme.read_text())
    report = ElementTree.parse(junit).getroot()
    if next(report.iter("testcase"), None) is None:
        print("no test was run")
        return 1
    unexpected = [
        (name, message)
        for name, message in skipped_tests(report)
        if not any(reason in message for reason in allowed)
    ]
    for name, message in unexpected:
        print(f"skipped without leave: {name}: {message}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
