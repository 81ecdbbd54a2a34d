"""The gate runs whole histories of real projects, and finds what is known to be wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_proof.findings import GateReport
from alembic_proof.gate.run import GateOptions, gate_on
from alembic_proof.gate.servers.base import Server
from tests.corpus.histories import ARGILLA, MWDB, OPEN_WEBUI, PHOENIX, PackagedHistory
from tests.gate.gating import Recorder, codes


def run(server: Server, history: PackagedHistory, folder: Path) -> GateReport:
    return gate_on(
        server, history.project(folder), options=GateOptions(time_limit=60), progress=Recorder()
    )


def test_argilla_comes_back_but_for_one_revision(server: Server, tmp_path: Path) -> None:
    report = run(server, ARGILLA, tmp_path)
    assert report.observed == 24
    assert codes(report) == [("AP903", "1e629a913727")]
    (finding,) = report.findings
    assert finding.message == (
        "downgrade does nothing: enum suggestion_type_enum: "
        'labels was [], is ["model", "human"] after downgrade'
    )


def test_open_webui_goes_up_whole_and_five_downgrades_are_incomplete(
    server: Server, tmp_path: Path
) -> None:
    report = run(server, OPEN_WEBUI, tmp_path)
    assert report.observed == 66
    assert codes(report) == [
        ("AP903", "1af9b942657b"),
        ("AP903", "3ab32c4b8f59"),
        ("AP903", "2f1211949ecc"),
        ("AP903", "b10670c03dd5"),
        ("AP903", "374d2f66af06"),
    ]


def test_phoenix_comes_back_whole_through_asyncpg(server: Server, tmp_path: Path) -> None:
    report = run(server, PHOENIX, tmp_path)
    assert report.observed == 35
    assert codes(report) == []


def test_mwdb_is_judged_up_to_the_revision_that_needs_sqlalchemy_1_4(
    server: Server, tmp_path: Path
) -> None:
    report = run(server, MWDB, tmp_path)
    failing = [finding for finding in report.findings if finding.code == "AP901"]
    if report.versions["sqlalchemy"].startswith("1.4"):
        pytest.fail("this test describes SQLAlchemy 2")
    assert [finding.revision for finding in failing] == ["6a7aefae72d3"]
    assert failing[0].message == (
        "upgrade fails: ObjectNotExecutableError: Not an executable object: 'ANALYZE'"
    )
    assert report.observed == 38
    assert len([one for one in report.findings if one.code == "AP902"]) == 8
