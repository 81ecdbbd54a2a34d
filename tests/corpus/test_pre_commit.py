"""The hook as pre-commit installs and runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_hook_refuses_a_blocking_index(tmp_path: Path) -> None:
    repository = tmp_path / "shop"
    shutil.copytree(
        ROOT / "fixtures" / "shop",
        repository,
        ignore=shutil.ignore_patterns(".alembic_proof_cache", "__pycache__"),
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") and name != "PYTHONPATH"
    } | {"PRE_COMMIT_HOME": str(tmp_path / "home")}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, check=False
        )

    assert run("git", "init", "--quiet", ".").returncode == 0
    assert run("git", "add", "--all").returncode == 0
    hook = run(
        sys.executable,
        *("-m", "pre_commit", "try-repo", str(ROOT), "alembic-proof", "--all-files"),
    )
    assert hook.returncode == 1, hook.stdout + hook.stderr
    assert "exit code: 1" in hook.stdout
    assert "error AP101 blocking-index-build" in hook.stdout
    assert "17 revisions judged of 17 read" in hook.stdout
