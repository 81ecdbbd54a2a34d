"""Fetches packages from the package index and unpacks them, once, outside the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

TEXT_SUFFIXES = (".py", ".ini", ".toml", ".mako", ".sql", ".cfg")
"""What is kept of a wheel: some bring a web application of hundreds of megabytes."""


def cache_folder() -> Path:
    """Where unpacked packages are kept between test runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "alembic-proof" / "corpus"


def fetch(name: str, version: str) -> Path:
    """Return the folder that holds the sources from the wheel of a package, and no dependencies.

    Raises ``CalledProcessError`` when it cannot be downloaded. Safe when several processes ask for
    the same package: what is not complete never gets the final name.
    """
    folder = cache_folder() / f"{name}-{version}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder.parent))
    try:
        wheel = _download(name, version, work)
        unpacked = work / "unpacked"
        with zipfile.ZipFile(wheel) as archive:
            texts = [name for name in archive.namelist() if name.endswith(TEXT_SUFFIXES)]
            archive.extractall(unpacked, texts)
        try:
            unpacked.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(work)
    return folder


def _download(name: str, version: str, folder: Path) -> Path:
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary", ":all:", "--ignore-requires-python"),
            *("--dest", str(folder), f"{name}=={version}"),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel
