"""``lint`` on real projects."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from alembic_proof.findings import Finding
from alembic_proof.reporters.json import json_schema
from alembic_proof.rules.base import Context
from alembic_proof.rules.blocking_index_drop import BlockingIndexDrop
from tests.cli.command import Command
from tests.projects import AlembicProject, revision_text

ORDERS = revision_text(
    "0001",
    """
    op.execute("SET lock_timeout = '2s'")
    op.create_table("orders", sa.Column("id", sa.BigInteger(), primary_key=True))
    """,
    'op.drop_table("orders")',
)
INDEX = revision_text(
    "0002",
    """
    op.execute("SET lock_timeout = '2s'")
    op.create_index("orders_id", "orders", ["id"])
    """,
    'op.drop_index("orders_id")',
    down_revision="0001",
)


@pytest.fixture
def clean(alembic_project: AlembicProject) -> Path:
    return alembic_project({"0001_orders": ORDERS}, name="clean")


@pytest.fixture
def unsafe(alembic_project: AlembicProject) -> Path:
    return alembic_project({"0001_orders": ORDERS, "0002_index": INDEX}, name="unsafe")


def git(folder: Path, *args: str) -> None:
    identity = {
        f"GIT_{who}_{what}": "test@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    subprocess.run(
        ["git", "-C", folder, *args],
        check=True,
        capture_output=True,
        env={**os.environ, **identity},
    )


def test_a_finding_is_printed_and_fails_the_run(command: Command, unsafe: Path) -> None:
    outcome = command("lint", unsafe)
    assert outcome.status == 1
    assert "error AP101 blocking-index-build\n" in outcome.stdout
    assert "migrations/versions/0002_index.py:10:5\n" in outcome.stdout
    assert '10 │     op.create_index("orders_id", "orders", ["id"])\n' in outcome.stdout
    assert "2 revisions judged of 2 read; 4 operations, 4 understood\n" in outcome.stdout
    assert outcome.stderr.startswith("note: --diff-base origin/main or --since REVISION judges ")


def test_a_safe_history_is_clean(command: Command, clean: Path) -> None:
    outcome = command("lint", clean, "--all")
    assert outcome.status == 0, outcome.stdout
    assert "no findings\n1 revision judged of 1 read; " in outcome.stdout
    assert outcome.stderr == ""


def test_the_current_folder_is_the_default(
    command: Command, unsafe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(unsafe)
    assert "--> migrations/versions/0002_index.py:10:5\n" in command("lint").stdout


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--fail-on", "error"], 1),
        (["--ignore", "AP101"], 0),
        (["--ignore", "AP102,blocking-index-build"], 0),
        (["--ignore", "AP102", "--ignore", "AP1"], 0),
        (["--select", "AP4"], 0),
        (["--select", "blocking-index-build"], 1),
        (["--since", "0001"], 1),
        (["--since", "0002"], 0),
    ],
)
def test_options_decide_what_counts(
    command: Command, unsafe: Path, options: list[str], status: int
) -> None:
    outcome = command("lint", unsafe, *options)
    assert outcome.status == status, outcome.stdout


def test_a_lower_severity_does_not_fail(command: Command, unsafe: Path) -> None:
    (unsafe / "alembic-proof.toml").write_text('severity = { AP101 = "warning" }\n')
    assert command("lint", unsafe, "--fail-on", "error").status == 0
    assert command("lint", unsafe).status == 1


def test_the_configured_level_holds(command: Command, unsafe: Path) -> None:
    (unsafe / "alembic-proof.toml").write_text('fail-on = "error"\nseverity = { AP101 = "info" }\n')
    outcome = command("lint", unsafe)
    assert outcome.status == 0
    assert "1 finding: 1 info\n" in outcome.stdout


def test_an_unknown_rule_is_refused(command: Command, unsafe: Path) -> None:
    outcome = command("lint", unsafe, "--ignore", "blocking-index-bild")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "'blocking-index-bild', which is not a rule" in outcome.stderr
    assert "did you mean 'blocking-index-build'?" in outcome.stderr


def test_nothing_pending_is_no_failure(
    command: Command, unsafe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(unsafe)
    outcome = command("lint", "--since", "0002")
    assert outcome.status == 0
    assert "nothing to judge\n0 revisions judged of 2 read; " in outcome.stdout
    assert "no findings" not in outcome.stdout
    assert outcome.stderr == "note: nothing to judge: 0 pending revisions of 2 in . since 0002\n"


def test_several_projects_are_shown_one_by_one(
    command: Command, unsafe: Path, clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(unsafe.parent)
    outcome = command("lint", ".")
    assert outcome.status == 1
    assert outcome.stdout.startswith("clean\n\n")
    assert "\nunsafe\n\nerror AP101 blocking-index-build\n" in outcome.stdout
    assert "--> unsafe/migrations/versions/0002_index.py:10:5\n" in outcome.stdout
    assert outcome.stdout.endswith("\n2 projects: 1 finding: 1 error\n")
    assert outcome.stderr.count("note: ") == 1


def test_the_difference_to_a_git_ref_is_judged(command: Command, clean: Path) -> None:
    git(clean, "init", "--initial-branch", "main")
    git(clean, "add", ".")
    git(clean, "commit", "--message", "first")
    assert command("lint", clean, "--diff-base", "main").stdout.count("0 revisions judged of 1")
    (clean / "migrations" / "versions" / "0002_index.py").write_text(INDEX)
    outcome = command("lint", clean, "--diff-base", "main")
    assert outcome.status == 1
    assert "1 revision judged of 2 read" in outcome.stdout


def test_a_project_outside_git_has_no_difference(command: Command, clean: Path) -> None:
    outcome = command("lint", clean, "--diff-base", "main")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "is not in a git repository\nhint: " in outcome.stderr


def test_a_ref_that_git_does_not_know_is_an_error(command: Command, clean: Path) -> None:
    git(clean, "init")
    outcome = command("lint", clean, "--diff-base", "no-such-ref")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "error: git knows no commit 'no-such-ref' in " in outcome.stderr


def test_json_is_one_valid_document(command: Command, unsafe: Path, clean: Path) -> None:
    outcome = command("lint", unsafe, clean, "--format", "json", "--postgres", "14")
    assert outcome.status == 1
    document = json.loads(outcome.stdout)
    jsonschema.validate(document, json_schema())
    assert document["postgres"] == "14"
    (found,) = document["findings"]
    assert (found["code"], found["path"]) == ("AP101", "migrations/versions/0002_index.py")
    assert Path(found["project"]).name == "unsafe"
    assert len(document["revisions"]) == 3
    built = document["revisions"][1]["effects"]
    assert [(item["table"], item["lock"], item["work"]) for item in built] == [
        ("orders", "SHARE", "index build")
    ]


def test_the_result_can_go_to_a_file(command: Command, unsafe: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    outcome = command("lint", unsafe, "--format", "json", "--output", file)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert json.loads(file.read_text("utf-8"))["summary"]["errors"] == 1


def test_a_file_that_cannot_be_written_is_an_error(command: Command, unsafe: Path) -> None:
    outcome = command("lint", unsafe, "--output", unsafe / "missing" / "report.txt")
    assert outcome.status == 2
    assert "error: cannot write " in outcome.stderr


def test_a_broken_project_does_not_hide_the_findings_of_another(
    command: Command, unsafe: Path, alembic_project: AlembicProject
) -> None:
    broken = alembic_project({"0001_x": "def upgrade(:\n"}, name="broken")
    outcome = command("lint", broken, unsafe, "--format", "json")
    assert outcome.status == 2
    document = json.loads(outcome.stdout)
    assert [item["code"] for item in document["findings"]] == ["AP101"]
    assert document["summary"]["complete"] is False
    assert "0001_x.py" in document["summary"]["failures"][0]
    assert "0001_x.py" in outcome.stderr


def test_a_crashing_rule_is_said_and_the_other_findings_are_kept(
    command: Command, unsafe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(self: BlockingIndexDrop, context: Context) -> Iterator[Finding]:
        raise ZeroDivisionError("by us")

    monkeypatch.setattr(BlockingIndexDrop, "check_operation", crash)
    outcome = command("lint", unsafe)
    assert outcome.status == 2
    assert "error AP101 blocking-index-build\n" in outcome.stdout
    text = " ".join(outcome.stdout.split())
    assert "incomplete: rule blocking-index-drop (AP102) crashed on revision 0001 (" in text
    assert "ZeroDivisionError: by us" in outcome.stderr


def test_a_revision_file_means_only_that_revision(command: Command, unsafe: Path) -> None:
    versions = unsafe / "migrations" / "versions"
    one = command("lint", versions / "0001_orders.py")
    assert (one.status, "1 revision judged of 2 read" in one.stdout) == (0, True)
    two = command("lint", versions / "0001_orders.py", versions / "0002_index.py")
    assert (two.status, "2 revisions judged of 2 read" in two.stdout) == (1, True)


def test_a_file_that_is_no_revision_is_no_pass(command: Command, clean: Path) -> None:
    file = clean / "migrations" / "versions" / "helpers.py"
    file.write_text("import os\n")
    outcome = command("lint", file)
    assert outcome.status == 2
    assert "none of the files named is a revision" in outcome.stderr


@pytest.mark.parametrize("color", ["auto", "always", "never"])
def test_colour_is_for_terminals_or_on_demand(command: Command, unsafe: Path, color: str) -> None:
    outcome = command("lint", unsafe, "--color", color)
    assert ("\x1b[" in outcome.stdout) is (color == "always")


BAD_HISTORIES = {
    "empty": ({}, "there is no revision in "),
    "syntax": ({"0001_x": "revision = '1'\ndef upgrade(:\n"}, "0001_x.py"),
    "cycle": (
        {
            "0001_a": revision_text("0001", "pass", down_revision="0002"),
            "0002_b": revision_text("0002", "pass", down_revision="0001"),
        },
        "the history has a cycle",
    ),
    "twice": (
        {"0001_a": revision_text("0001", "pass"), "0001_b": revision_text("0001", "pass")},
        "used twice",
    ),
    "orphan": (
        {"0002_b": revision_text("0002", "pass", down_revision="0001")},
        "which is not in the history",
    ),
}


@pytest.mark.parametrize("case", BAD_HISTORIES)
def test_a_bad_history_is_a_message(
    command: Command, alembic_project: AlembicProject, case: str
) -> None:
    revisions, message = BAD_HISTORIES[case]
    outcome = command("lint", alembic_project(revisions))
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("error: ")
    assert "\nhint: " in outcome.stderr
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_no_project_is_a_message(command: Command, tmp_path: Path) -> None:
    outcome = command("lint", tmp_path)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "error: no Alembic project was found " in outcome.stderr


def test_an_unknown_revision_is_a_message(command: Command, clean: Path) -> None:
    outcome = command("lint", clean, "--since", "9999")
    assert (outcome.status, outcome.stdout) == (2, "")
    assert "error: there is no revision '9999' in this history\nhint: " in outcome.stderr


def test_effects_lists_tables_and_locks(command: Command, unsafe: Path) -> None:
    outcome = command("effects", unsafe, "--since", "0001")
    assert outcome.status == 0
    assert outcome.stdout.startswith("0002 (expand) ")
    assert "\n  orders\n      SHARE, index build; writes wait\n" in outcome.stdout
    assert "1 revision judged of 2 read" in outcome.stdout


def test_effects_as_json_is_the_document_of_lint(command: Command, unsafe: Path) -> None:
    effects = json.loads(command("effects", unsafe, "--format", "json").stdout)
    assert effects == json.loads(command("lint", unsafe, "--format", "json").stdout)


def test_text_that_has_no_encoding_can_be_read(
    alembic_project: AlembicProject, command: Command
) -> None:
    root = alembic_project({"r1": revision_text("r1", r"print('\ud800')")})
    outcome = command("lint", root)
    assert outcome.status == 0
    assert "1 revision judged" in outcome.stdout
