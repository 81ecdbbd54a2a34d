"""Reading a revision file: what it is called, where steps stand, what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_proof.errors import SourceError
from alembic_proof.history import Revision
from alembic_proof.linter.python.reader import read_revision, read_revision_with_dependencies
from alembic_proof.operations import Unresolved
from tests.linter.reading_steps import describe_steps

BODY = "\ndef upgrade():\n    pass\n"


def _write(folder: Path, text: str | bytes, name: str = "versions/a1_case.py") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def _read(folder: Path, text: str | bytes) -> Revision:
    revision = read_revision(_write(folder, text), root=folder)
    assert revision is not None
    return revision


def _steps(folder: Path, text: str) -> list[str]:
    revision = _read(
        folder, f"from alembic import op\nrevision = 'a1'\ndown_revision = None\n{text}"
    )
    assert revision.upgrade is not None
    return describe_steps(revision.upgrade.steps)


def test_header(tmp_path: Path) -> None:
    text = (
        '"""Add notes\n\nRevision ID: a1"""\n'
        "from typing import Sequence, Union\n"
        "revision: str = 'a1'\n"
        "down_revision: Union[str, None] = 'a0'\n"
        "branch_labels: Union[str, Sequence[str], None] = ('notes',)\n"
        "depends_on = ['b1', 'b2']\n"
        "phase = 'contract'\n" + BODY
    )
    revision = _read(tmp_path, text)
    assert (revision.id, revision.parents) == ("a1", ("a0",))
    assert (revision.branch_labels, revision.depends_on) == (("notes",), ("b1", "b2"))
    assert (revision.message, revision.phase) == ("Add notes", "contract")
    assert (revision.id_line, revision.parents_line) == (5, 6)
    assert revision.path == "versions/a1_case.py"


def test_identifiers_may_be_constants(tmp_path: Path) -> None:
    text = "ID = 'a1'\nPARENTS = ('x', 'y')\nrevision = ID\ndown_revision = PARENTS\n" + BODY
    revision = _read(tmp_path, text)
    assert (revision.id, revision.parents) == ("a1", ("x", "y"))


@pytest.mark.parametrize(
    "text", ["", "X = 1\n", "def upgrade():\n    pass\n", "def revision(): ...\n"]
)
def test_file_without_revision_is_none(tmp_path: Path, text: str) -> None:
    assert read_revision(_write(tmp_path, text), root=tmp_path) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"revision = 'a1'\ndef upgrade(:\n", r"versions/a1_case\.py:2 is not valid Python"),
        (b"revision = 'a1'  # \xff\n", r"versions/a1_case\.py"),
        (b"revision = 'a1'\n<<<<<<< HEAD\n", r"versions/a1_case\.py:2 is not valid Python"),
        (b"import os\nrevision = os.environ['R']\n", r"revision is not a literal at .*:2"),
        (b"revision = 'a1'\ndown_revision = get()\n", r"down_revision is not a literal at .*:2"),
        (b"revision = 'a1'\ndown_revision = ('a', 5)\n", r"down_revision is not a literal"),
        (b"revision = 'a1'\0\n", r"versions/a1_case\.py"),
    ],
)
def test_unreadable_file(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read_revision(_write(tmp_path, text), root=tmp_path)
    assert caught.value.hint


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read gone\.py"):
        read_revision(tmp_path / "gone.py", root=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfrevision = 'a1'\n",
        b"# -*- coding: latin-1 -*-\nrevision = 'a1'  # \xe9\n",
        b"revision = 'a1'\r\ndown_revision = None\r\n",
    ],
)
def test_encodings_and_line_ends(tmp_path: Path, text: bytes) -> None:
    assert _read(tmp_path, text).id == "a1"


@pytest.mark.parametrize(
    ("body", "empty", "raises", "raised"),
    [
        ("pass", True, False, ""),
        ("'''Nothing to do.'''\n    ...", True, False, ""),
        ("return None", True, False, ""),
        ("print('x')", False, False, ""),
        (
            "raise NotImplementedError('one way only')",
            False,
            True,
            "NotImplementedError: one way only",
        ),
        ("raise RuntimeError", False, True, "RuntimeError"),
        ("if True:\n        raise ValueError(5)", False, True, "ValueError: 5"),
        ("if x():\n        raise ValueError(5)", False, False, ""),
        ("try:\n        raise ValueError\n    except ValueError:\n        pass", False, False, ""),
    ],
)
def test_empty_and_raising(
    tmp_path: Path, body: str, empty: bool, raises: bool, raised: str
) -> None:
    text = f"revision = 'a1'\ndef upgrade():\n    pass\ndef downgrade():\n    {body}\n"
    procedure = _read(tmp_path, text).downgrade
    assert procedure is not None
    assert (procedure.empty, procedure.raises, procedure.raised) == (empty, raises, raised)
    assert procedure.line == 4


def test_missing_downgrade(tmp_path: Path) -> None:
    assert _read(tmp_path, "revision = 'a1'\n" + BODY).downgrade is None


def test_imports_of_the_application(tmp_path: Path) -> None:
    text = (
        "import os\nimport sqlalchemy as sa\nfrom alembic import op\nimport shop.models\n"
        "from . import helpers\nrevision = 'a1'\ndef upgrade():\n    from shop import tasks\n"
    )
    assert _read(tmp_path, text).imports_application == ("shop.models", ".", "shop")


def test_places_are_those_of_the_calls(tmp_path: Path) -> None:
    text = (
        "from alembic import op\n"
        "import sqlalchemy as sa\n"
        "revision = 'a1'\n"
        "def helper(name):\n"
        "    op.drop_table(name)\n"
        "@decorated(1)\n"
        "def upgrade(x=dict()):\n"
        "    a = f'{str(1)}'; op.drop_table('a')\n"
        "    helper(\n"
        "        'b')\n"
        "    [op.drop_table(n) for n in list('c')] if bool(1) else print()\n"
        "    with op.batch_alter_table('t') as batch:\n"
        "        batch.drop_column(\n"
        "            'x')\n"
        "    op.get_bind().execute(sa.text(\n"
        "        'DROP TABLE d'))\n"
    )
    procedure = _read(tmp_path, text).upgrade
    assert procedure is not None
    places = [(step.line, step.column) for step in procedure.steps]
    assert places == [(8, 22), (5, 5), (11, 6), (13, 9), (15, 5)]


def test_statements_are_numbered(tmp_path: Path) -> None:
    revision = _read(
        tmp_path,
        "from alembic import op\nrevision = 'a1'\ndef upgrade():\n"
        "    op.execute('ALTER TABLE t ADD a int, ADD b int')\n    op.drop_table('x')\n",
    )
    assert revision.upgrade is not None
    assert [step.statement for step in revision.upgrade.steps] == [0, 0, 1]


HELPER = (
    "from alembic import op\nTABLE = 'orders'\ndef drop(name):\n    op.drop_column(TABLE, name)\n"
)


@pytest.mark.parametrize(
    ("place", "imported"),
    [
        ("versions/helpers.py", "from helpers import drop"),
        ("versions/helpers.py", "from .helpers import drop"),
        ("migrations_helpers.py", "import migrations_helpers\ndrop = migrations_helpers.drop"),
        ("shop/tools/ddl.py", "from shop.tools import ddl\ndrop = ddl.drop"),
        ("src/shop/ddl.py", "from shop.ddl import drop as drop"),
        ("versions/helpers/__init__.py", "from . import helpers\ndrop = helpers.drop"),
        ("versions/helpers.py", "from helpers import *"),
    ],
)
def test_helper_modules_are_followed(tmp_path: Path, place: str, imported: str) -> None:
    helper = _write(tmp_path, HELPER, place)
    revision, read = read_revision_with_dependencies(
        _write(tmp_path, f"{imported}\nrevision = 'a1'\ndef upgrade():\n    drop('note')\n"),
        root=tmp_path,
    )
    assert revision is not None
    assert revision.upgrade is not None
    assert describe_steps(revision.upgrade.steps) == ["DropColumn(table=orders, column=note)"]
    assert (revision.upgrade.steps[0].line, helper in read) == (
        imported.count("\n") + 4,
        True,
    )


def test_models_of_the_application_are_read_for_their_tables(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "from sqlalchemy import Column, Integer\nfrom .base import Base\n"
        "class Order(Base):\n    __tablename__ = 'orders'\n    id = Column(Integer, primary_key=True)\n",
        "shop/models.py",
    )
    _write(tmp_path, "class Base: ...\n", "shop/base.py")
    text = (
        "import sqlalchemy as sa\nfrom shop.models import Order\n"
        "def upgrade():\n    op.execute(sa.delete(Order))\n"
    )
    assert _steps(tmp_path, text) == ["DeleteRows(table=orders)"]


def test_sql_files_are_read(tmp_path: Path) -> None:
    _write(tmp_path, "DROP TABLE a;\nDROP TABLE b;\n", "versions/sql/up.sql")
    text = (
        "from pathlib import Path\nimport os\n"
        "HERE = Path(__file__).resolve().parent\n"
        "def upgrade():\n"
        "    op.execute((HERE / 'sql' / 'up.sql').read_text())\n"
        "    with open(os.path.join(os.path.dirname(__file__), 'sql', 'up.sql')) as f:\n"
        "        op.execute(f.read())\n"
    )
    assert _steps(tmp_path, text) == ["DropTable(table=a)", "DropTable(table=b)"] * 2


def test_directives_at_module_level_are_not_lost(tmp_path: Path) -> None:
    steps = _steps(tmp_path, "op.drop_table('a')\ndef upgrade():\n    op.drop_table('b')\n")
    assert len(steps) == 2
    assert steps[0].startswith(
        "Unresolved(reason='the file does this when it is loaded, outside upgrade()', "
    )


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("from helpers import drop_note as upgrade\n", ["DropColumn(table=orders, column=note)"]),
        (
            "import functools\nimport helpers\nupgrade = functools.partial(helpers.drop, 'note')\n",
            ["DropColumn(table=orders, column=note)"],
        ),
        ("def up():\n    op.drop_table('a')\nupgrade = up\n", ["DropTable(table=a)"]),
        (
            "from elsewhere import upgrade\n",
            ["Unresolved(reason='the source of upgrade() is not at hand', source=upgrade)"],
        ),
        (
            "def downgrade():\n    pass\n",
            [
                (
                    "Unresolved(reason='the file defines no upgrade(), so that Alembic fails', "
                    "source=upgrade)"
                )
            ],
        ),
    ],
    ids=["imported", "partial", "assigned", "not at hand", "missing"],
)
def test_upgrade_may_be_defined_elsewhere(tmp_path: Path, text: str, steps: list[str]) -> None:
    _write(tmp_path, HELPER + "\n\ndef drop_note():\n    drop('note')\n", "versions/helpers.py")
    assert _steps(tmp_path, text) == steps


def test_endless_work_is_given_up(tmp_path: Path) -> None:
    text = (
        "def upgrade():\n"
        "    for a in range(190):\n        for b in range(190):\n            for c in range(190):\n"
        "                x = a + b + c\n"
        "    op.drop_table('t')\n"
    )
    steps = _steps(tmp_path, text)
    assert any("takes too many steps" in step for step in steps)


def test_a_failure_of_ours_is_unresolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic_proof.linter.python.calls import MigrationReader

    def crash(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(MigrationReader, "_call_op", crash)
    revision = _read(
        tmp_path,
        "from alembic import op\nrevision = 'a1'\ndef upgrade():\n    op.drop_table('a')\n",
    )
    assert revision.upgrade is not None
    operation = revision.upgrade.steps[0].operation
    assert isinstance(operation, Unresolved)
    assert operation.reason == "it could not be followed (LookupError)"
    assert operation.source == "op.drop_table('a')"


def test_a_helper_with_form_feeds_is_read(tmp_path: Path) -> None:
    helper = (
        "from alembic import op\n\x0c\n\x0c\nNAME = 'a'\n\x0c\n"
        "def drop():\n    op.drop_table(NAME)\n"
    )
    (tmp_path / "helper.py").write_text(helper, encoding="utf-8")
    file = tmp_path / "a.py"
    file.write_text(
        "from helper import drop\nrevision = 'a'\ndown_revision = None\n"
        "def upgrade():\n    drop()\n",
        encoding="utf-8",
    )
    revision = read_revision(file, root=tmp_path)
    assert revision is not None
    assert revision.upgrade is not None
    assert describe_steps(revision.upgrade.steps) == ["DropTable(table=a)"]
