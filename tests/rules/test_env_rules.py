"""Rules about what env.py does: lock_timeout and the transaction that revisions share."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_proof.findings import Finding
from tests.projects import write_project
from tests.rules.cases import BASE_FILE
from tests.rules.examples import ENVIRONMENT_FILE, lint_after, revision_text

SET_LOCAL = "op.execute(\"SET LOCAL lock_timeout = '2s'\")\n"
ADD_COLUMN = 'op.add_column("orders", sa.Column("a", sa.Text()))\n'
UPDATE = "op.execute(\"UPDATE orders SET note = 'x' WHERE state = 'open'\")\n"


def findings(
    tmp_path: Path, code: str, *upgrades: str, configure: str = "context.configure()"
) -> list[Finding]:
    """The findings of one rule when these upgrades follow the base of the cases."""
    files = {"base": BASE_FILE.read_text("utf-8")}
    parent = "base"
    for number, upgrade in enumerate(upgrades, start=1):
        files[f"r{number}"] = revision_text(upgrade, f"r{number}", parent)
        parent = f"r{number}"
    environment = ENVIRONMENT_FILE.replace("{configure}", configure)
    report = lint_after(write_project(tmp_path / "p", files, environment=environment), "base")
    assert report.failures == ()
    return [finding for finding in report.findings if finding.code == code]


@pytest.mark.parametrize(
    "upgrade",
    [
        pytest.param(ADD_COLUMN, id="none"),
        pytest.param("op.execute('SET lock_timeout = 0')\n" + ADD_COLUMN, id="zero"),
        pytest.param("op.execute(\"SET lock_timeout = '0s'\")\n" + ADD_COLUMN, id="zero seconds"),
        pytest.param(ADD_COLUMN + SET_LOCAL, id="too late"),
        pytest.param("op.execute(\"SET statement_timeout = '2s'\")\n" + ADD_COLUMN, id="another"),
        pytest.param(SET_LOCAL + "op.execute('RESET lock_timeout')\n" + ADD_COLUMN, id="reset"),
    ],
)
def test_missing_lock_timeout(upgrade: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "AP502", upgrade)
    assert finding.table == "orders"
    assert "ACCESS EXCLUSIVE" in finding.message


@pytest.mark.parametrize(
    "upgrade",
    [
        pytest.param(SET_LOCAL + ADD_COLUMN, id="set local"),
        pytest.param("op.execute(\"SET lock_timeout TO '500ms'\")\n" + ADD_COLUMN, id="set"),
        pytest.param("op.execute('set lock_timeout = 4000')\n" + ADD_COLUMN, id="milliseconds"),
        pytest.param('op.create_table("t", sa.Column("id", sa.Integer()))', id="new table"),
        pytest.param("op.execute(\"COMMENT ON TABLE orders IS 'x'\")", id="weak lock"),
        pytest.param(UPDATE, id="rows"),
    ],
)
def test_lock_timeout_is_set_or_not_needed(upgrade: str, tmp_path: Path) -> None:
    assert findings(tmp_path, "AP502", upgrade) == []


def test_lock_timeout_in_env_py(tmp_path: Path) -> None:
    configure = 'connection.execute(sa.text("SET lock_timeout = 5000"))\ncontext.configure()'
    assert findings(tmp_path, "AP502", ADD_COLUMN, configure=configure) == []


def test_one_finding_for_each_revision(tmp_path: Path) -> None:
    again = 'op.add_column("customers", sa.Column("a", sa.Text()))\n'
    found = findings(tmp_path, "AP502", ADD_COLUMN + again, again.replace('"a"', '"b"'))
    assert [finding.revision for finding in found] == ["r1", "r2"]


def test_lock_timeout_of_an_earlier_revision_stays_for_the_session(tmp_path: Path) -> None:
    setting = "op.execute(\"SET lock_timeout = '2s'\")\n"
    assert findings(tmp_path, "AP502", setting + ADD_COLUMN, ADD_COLUMN.replace("a", "b")) == []


def test_work_under_the_lock_of_an_earlier_revision(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "AP503", ADD_COLUMN, UPDATE + UPDATE)
    assert (finding.revision, finding.table) == ("r2", "orders")
    assert "revision r1" in finding.message
    assert "transaction_per_migration=True" in finding.help


@pytest.mark.parametrize(
    ("upgrades", "configure"),
    [
        pytest.param(
            (ADD_COLUMN, UPDATE),
            "context.configure(transaction_per_migration=True)",
            id="transaction for each",
        ),
        pytest.param((UPDATE, ADD_COLUMN), "context.configure()", id="the other way round"),
        pytest.param((ADD_COLUMN + UPDATE,), "context.configure()", id="one revision"),
        pytest.param(
            (ADD_COLUMN, "op.execute('COMMIT')\n" + UPDATE), "context.configure()", id="committed"
        ),
        pytest.param(
            (ADD_COLUMN.replace("orders", "customers"), UPDATE),
            "context.configure()",
            id="another table",
        ),
        pytest.param(
            (ADD_COLUMN, "op.execute('UPDATE orders SET total = 1 WHERE id = 3')"),
            "context.configure()",
            id="by key",
        ),
    ],
)
def test_nothing_works_under_an_earlier_lock(
    upgrades: tuple[str, ...], configure: str, tmp_path: Path
) -> None:
    assert findings(tmp_path, "AP503", *upgrades, configure=configure) == []
