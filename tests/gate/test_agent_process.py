"""The agent runs exactly what is asked, and tells what went wrong in the user's own terms."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from alembic_proof.errors import SandboxError
from alembic_proof.gate.agent_process import AGENT, AgentProcess
from alembic_proof.gate.failures import Step, StepFailedError, StepFailure
from alembic_proof.gate.servers.base import Server
from alembic_proof.project import Project
from tests.gate.gating import agent, chain, sql_chain
from tests.projects import SYNC_ENVIRONMENT, AlembicProject, revision_text
from tests.servers import FreshDatabase

AGENT_FILES = sorted(AGENT.glob("*.py"))


@pytest.mark.parametrize("path", AGENT_FILES, ids=lambda path: path.name)
def test_the_agent_depends_on_nothing_of_ours(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    modules = {name.partition(".")[0] for node in ast.walk(tree) for name in _imported(node)}
    assert modules <= sys.stdlib_module_names | {"alembic", "sqlalchemy"}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


def test_the_agent_is_not_seen_by_the_project(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    look = """
import importlib.util, sys
visible = [name for name in ("target", "migrations_", "failure", "redirect", "conversation")
           if importlib.util.find_spec(name)]
assert not visible, visible
assert not any(name == "alembic_proof" for name in sys.modules)
assert sys.argv[0] == "alembic"
"""
    root = alembic_project(chain(("pass", "pass")), environment=look + SYNC_ENVIRONMENT)
    with agent(postgres15, root, fresh_database(postgres15)) as process:
        assert process.current().heads == ()


def test_the_history_is_told_as_alembic_loads_it(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(sql_chain(("SELECT 1", ""), ("SELECT 2", "")))
    with agent(postgres15, root, fresh_database(postgres15)) as process:
        first, second = process.history()
        assert process.plan(()) == ("r1", "r2")
        assert process.plan(("r1",)) == ("r2",)
    assert (first.id, first.parents) == ("r1", ())
    assert (second.id, second.parents) == ("r2", ("r1",))
    assert second.path == str(root / "migrations" / "versions" / "r2.py")
    lines = Path(second.path).read_text().splitlines()
    assert second.downgrade_line is not None
    assert lines[second.downgrade_line - 1] == "def downgrade():"


BRANCHED = {
    "first": revision_text("first", "pass"),
    "left": revision_text("left", "pass", down_revision="first"),
    "right": revision_text("right", "pass", down_revision="first"),
    "right2": revision_text("right2", "pass", down_revision="right"),
    "merged": revision_text("merged", "pass").replace(
        "down_revision = None", "down_revision = ('left', 'right2')"
    ),
    "other": revision_text("other", "pass").replace(
        "down_revision = None", "down_revision = None\ndepends_on = 'right'"
    ),
}


def test_steps_are_exact_in_a_history_with_branches_merges_and_dependencies(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(BRANCHED)
    with agent(postgres15, root, fresh_database(postgres15)) as process:
        done: list[str] = []
        for revision in process.plan(()):
            before = set(process.current().heads)
            process.run([Step(revision, "upgrade")])
            after = set(process.current().heads)
            assert revision in after
            process.run([Step(revision, "downgrade")])
            assert set(process.current().heads) == before
            process.run([Step(revision, "upgrade")])
            assert set(process.current().heads) == after
            done.append(revision)
        assert set(done) == set(BRANCHED)
        assert set(process.current().heads) == {"merged", "other"}


def test_each_step_of_a_run_is_told_with_its_seconds(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(sql_chain(("SELECT pg_sleep(0.05)", ""), ("SELECT 2", "")))
    told: list[tuple[Step, float]] = []
    steps = [Step("r1", "upgrade"), Step("r2", "upgrade")]
    with agent(postgres15, root, fresh_database(postgres15)) as process:
        process.run(steps, lambda step, seconds: told.append((step, seconds)))
    assert [step for step, _ in told] == steps
    assert told[0][1] >= 0.05 > told[1][1]


def _failure(
    server: Server, root: Path, database: str, *steps: str, time_limit: float = 30.0
) -> StepFailure:
    with (
        agent(server, root, database, time_limit=time_limit) as process,
        pytest.raises(StepFailedError) as caught,
    ):
        process.run([Step(step, "upgrade") for step in steps or ("r1",)])
    return caught.value.failure


@pytest.mark.parametrize("environment", ["sync", "async"])
def test_a_refused_statement_is_told_with_state_text_and_place(
    environment: str,
    postgres15: Server,
    alembic_project: AlembicProject,
    fresh_database: FreshDatabase,
) -> None:
    root = alembic_project(sql_chain(("SELECT 1/0", "")), environment=environment)
    failure = _failure(postgres15, root, fresh_database(postgres15))
    assert failure.step == Step("r1", "upgrade")
    assert (failure.sqlstate, failure.statement) == ("22012", "SELECT 1/0")
    assert failure.summary == "division by zero (SQLSTATE 22012)"
    revision = str(root / "migrations" / "versions" / "r1.py")
    line = failure.line_in(revision)
    assert line is not None
    assert Path(revision).read_text().splitlines()[line - 1] == "    op.execute('SELECT 1/0')"
    assert {Path(frame.path).name for frame in failure.frames} == {"env.py", "r1.py"}


def test_a_revision_that_exits_is_a_failure_of_that_revision(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(chain(("pass", "pass"), ("raise SystemExit(3)", "pass")))
    failure = _failure(postgres15, root, fresh_database(postgres15), "r1", "r2")
    assert failure.step == Step("r2", "upgrade")
    assert failure.summary == "it calls sys.exit(3)"


def test_a_revision_that_ends_the_process_is_a_failure_of_that_revision(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(chain(("import os; print('going'); os._exit(7)", "pass")))
    database = fresh_database(postgres15)
    failure = _failure(postgres15, root, database)
    assert failure.summary == "the process that ran it ended with status 7"


def test_a_revision_that_hangs_is_ended_with_everything_it_started(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    body = """
    import subprocess
    child = subprocess.Popen(["sleep", "600"])
    print("child", child.pid, flush=True)
    child.wait()
    """
    root = alembic_project(chain((body, "pass")))
    failure = _failure(postgres15, root, fresh_database(postgres15), time_limit=2)
    assert failure.step == Step("r1", "upgrade")
    assert failure.summary == "did not finish within 2 s"
    word, pid = failure.output.split()[-2:]
    assert word == "child"
    _wait_until_gone(int(pid))


def test_what_a_migration_prints_does_not_disturb_and_is_shown(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    body = "import sys; print('{\"result\": 1}'); sys.stdout.flush(); raise ValueError('no rows')"
    root = alembic_project(chain((body, "pass")))
    failure = _failure(postgres15, root, fresh_database(postgres15))
    assert failure.summary == "ValueError: no rows"
    assert failure.output == '{"result": 1}'


def test_only_the_end_of_what_a_migration_prints_is_shown(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    body = "print('x' * 1_000_000); raise ValueError('y' * 1_000_000)"
    failure = _failure(
        postgres15, alembic_project(chain((body, "pass"))), fresh_database(postgres15)
    )
    assert len(failure.output) < 10_000
    assert len(failure.summary) < 2_000


@pytest.mark.parametrize(
    "body",
    ["import os; os.chdir('/')", "import sys; sys.stdout.close()", "import sys; sys.stdout = None"],
)
def test_a_step_changes_neither_the_folder_nor_the_streams_of_the_next(
    body: str, postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(chain((body, "open('alembic.ini').close()")))
    with agent(postgres15, root, fresh_database(postgres15)) as process:
        process.run([Step("r1", "upgrade")])
        process.run([Step("r1", "downgrade")])


def test_text_that_has_no_encoding_is_told_all_the_same(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(chain(("raise ValueError('a' + chr(0xD800) + 'é')", "pass")))
    failure = _failure(postgres15, root, fresh_database(postgres15))
    assert failure.summary == "ValueError: a?é"


ENVIRONMENT_FAILURES = {
    "raises": (
        "def settings():\n    raise ValueError('no such stage')\nsettings()",
        "migrations/env.py:2: ValueError: no such stage",
    ),
    "exits": ("import sys\nsys.exit('no')", "migrations/env.py:2: it calls sys.exit('no')"),
    "missing variable": (
        "import os\nos.environ['STAGE_SECRET']",
        "migrations/env.py:2: needs the environment variable STAGE_SECRET, which is not set",
    ),
    "missing module": (
        "import no_such_application",
        f"migrations/env.py:1: imports 'no_such_application', which {sys.executable} cannot find",
    ),
    "syntax error": ("x = (", "migrations/env.py:1: syntax error: '(' was never closed"),
    "nothing": (
        "pass",
        "env.py ended without running any migration",
    ),
    "ends the process": (
        "import os; os._exit(5)",
        "the Alembic environment fails: the process that ran it ended with status 5",
    ),
    "prints before": (
        "print('looking for vault'); 1/0",
        "migrations/env.py:1: ZeroDivisionError: division by zero\nprinted: looking for vault",
    ),
}


@pytest.mark.parametrize(
    ("environment", "message"), ENVIRONMENT_FAILURES.values(), ids=list(ENVIRONMENT_FAILURES)
)
def test_a_failing_environment_is_an_error_with_its_place(
    environment: str,
    message: str,
    postgres15: Server,
    alembic_project: AlembicProject,
    fresh_database: FreshDatabase,
) -> None:
    root = alembic_project(chain(("pass", "pass")), environment=environment)
    with (
        agent(postgres15, root, fresh_database(postgres15)) as process,
        pytest.raises(SandboxError) as caught,
    ):
        process.run([Step("r1", "upgrade")])
    assert caught.value.message == message
    assert caught.value.hint


def test_an_environment_that_hangs_is_ended(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(
        chain(("pass", "pass")), environment="import threading\nthreading.Event().wait()"
    )
    with (
        agent(postgres15, root, fresh_database(postgres15), time_limit=1) as process,
        pytest.raises(SandboxError, match=r"env\.py did not finish within 1 s") as caught,
    ):
        process.run([Step("r1", "upgrade")])
    assert "--time-limit" in caught.value.hint


BROKEN_HISTORIES = {
    "syntax error": (
        {"r1": "revision = 'r1'\ndown_revision = None\ndef upgrade(:\n"},
        "migrations/versions/r1.py:3: syntax error: ",
    ),
    "raises on import": (
        {"r1": "revision = 'r1'\ndown_revision = None\n1/0\n"},
        "migrations/versions/r1.py:3: ZeroDivisionError: division by zero",
    ),
    "cycle": (
        {
            "r1": revision_text("r1", "pass", down_revision="r2"),
            "r2": revision_text("r2", "pass", down_revision="r1"),
        },
        "Alembic refuses the project: Cycle is detected in revisions (r1, r2)",
    ),
    "missing parent": (
        {"r1": revision_text("r1", "pass", down_revision="gone")},
        "no revision file has the id 'gone', which another one names as its parent",
    ),
    "one id twice": (
        {"r1": revision_text("r1", "pass"), "r1_again": revision_text("r1", "pass")},
        "two revision files have one id: Revision r1 is present more than once",
    ),
}


@pytest.mark.parametrize(
    ("revisions", "message"), BROKEN_HISTORIES.values(), ids=list(BROKEN_HISTORIES)
)
def test_a_history_that_cannot_be_loaded_is_an_error_with_its_place(
    revisions: dict[str, str],
    message: str,
    postgres15: Server,
    alembic_project: AlembicProject,
    fresh_database: FreshDatabase,
) -> None:
    root = alembic_project(revisions)
    with (
        agent(postgres15, root, fresh_database(postgres15)) as process,
        pytest.raises(SandboxError) as caught,
    ):
        process.history()
    assert caught.value.message.startswith(message)


def test_an_interpreter_without_alembic_is_refused(
    postgres15: Server, alembic_project: AlembicProject, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    python.chmod(0o755)
    root = alembic_project(chain(("pass", "pass")))
    with pytest.raises(SandboxError, match="has no alembic") as caught:
        agent(postgres15, root, "postgres", python=str(python))
    assert "--python" in caught.value.hint


def test_an_interpreter_that_does_not_exist_is_refused(
    postgres15: Server, alembic_project: AlembicProject
) -> None:
    root = alembic_project(chain(("pass", "pass")))
    with pytest.raises(SandboxError, match="cannot start the interpreter /nowhere/python"):
        agent(postgres15, root, "postgres", python="/nowhere/python")


HANGING_PARENT = """
import json, sys
from pathlib import Path
from alembic_proof.gate.agent_process import AgentProcess
from alembic_proof.gate.failures import Step
from alembic_proof.gate.servers.base import ConnectionParameters
from tests.gate.gating import project_in

root, address = Path(sys.argv[1]), ConnectionParameters(**json.loads(sys.argv[2]))
with AgentProcess(project_in(root), address, time_limit=600) as process:
    process.run([Step("r1", "upgrade")])
"""


def test_the_agent_ends_with_the_process_that_started_it(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    hang = """
    import os, pathlib, threading
    pathlib.Path("pid").write_text(f"{os.getpid()} ")
    threading.Event().wait()
    """
    root = alembic_project(chain((hang, "pass")))
    marker = root / "pid"
    address = asdict(postgres15.parameters(fresh_database(postgres15)))
    parent = subprocess.Popen(
        [sys.executable, "-c", HANGING_PARENT, str(root), json.dumps(address)],
        cwd=Path(__file__).parents[2],
    )
    try:
        _wait_for(lambda: marker.exists() and marker.read_text().endswith(" "))
        pid = int(marker.read_text())
        assert _is_running(pid)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    _wait_until_gone(pid)


def test_the_version_of_every_library_is_told(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(chain(("pass", "pass")))
    with agent(postgres15, root, fresh_database(postgres15)) as process:
        assert {"python", "alembic", "sqlalchemy", "psycopg"} <= process.versions.keys()
        assert process.versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_pyproject_configures_as_an_ini_file_does(
    postgres15: Server, alembic_project: AlembicProject, fresh_database: FreshDatabase
) -> None:
    root = alembic_project(chain(("pass", "pass")))
    (root / "alembic.ini").unlink()
    (root / "pyproject.toml").write_text(
        '[tool.alembic]\nscript_location = "%(here)s/migrations"\nprepend_sys_path = ["."]\n'
    )
    project = Project(
        root=root,
        config_file=root / "pyproject.toml",
        script_location=root / "migrations",
        version_locations=(root / "migrations" / "versions",),
    )
    database = postgres15.parameters(fresh_database(postgres15))
    with AgentProcess(project, database, time_limit=30) as process:
        process.run([Step("r1", "upgrade")])
        assert process.current().heads == ("r1",)


def _wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _wait_until_gone(pid: int) -> None:
    _wait_for(lambda: not _is_running(pid))
