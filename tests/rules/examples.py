"""Turns the examples of rules into real Alembic projects."""

from __future__ import annotations

import re
from pathlib import Path

from alembic_proof.config import Config
from alembic_proof.findings import Report
from alembic_proof.linter.discover import discover_projects
from alembic_proof.linter.pending import Selection
from alembic_proof.linter.run import LintOptions, lint
from alembic_proof.rules.base import ENVIRONMENT, NEXT_REVISION, Rule
from tests.projects import write_project

GIVEN = "given0"

DEFAULT_CONFIGURE = """\
connection.execute(sa.text("SET lock_timeout = '5s'"))
connection.commit()
context.configure(connection=connection, transaction_per_migration=True)
"""

ENVIRONMENT_FILE = """\
import sqlalchemy as sa
from alembic import context

connection = context.config.attributes["connection"]
{configure}
with context.begin_transaction():
    context.run_migrations()
"""

REVISION_FILE = '''\
"""{revision}"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "{revision}"
down_revision = {down_revision!r}


def upgrade():
{body}
'''

_REVISION_ID = re.compile(r'^revision = "(?P<id>\w+)"$', re.MULTILINE)


def write_example(root: Path, rule: Rule, example: str) -> Path:
    """Write a project whose history is the rule's ``given`` and then the example."""
    bodies, configure = _parts(example)
    revisions = {GIVEN: _revision_file(rule.given.strip(), GIVEN, None)}
    parent = GIVEN
    for number, body in enumerate(bodies, start=1):
        text = _revision_file(body, f"example{number}", parent)
        match = _REVISION_ID.search(text)
        assert match is not None, f"{rule.name}: an example has no revision id"
        parent = match["id"]
        revisions[parent] = text
    environment = ENVIRONMENT_FILE.replace("{configure}", configure)
    return write_project(root, revisions, environment=environment)


def lint_after(root: Path, revision: str, *, postgres: int = 15) -> Report:
    """Lint the revisions of a project that come after one of them."""
    (project,) = discover_projects(root)
    options = LintOptions(postgres=postgres, selection=Selection(since=revision), use_cache=False)
    return lint(project, Config(), options)


def revision_text(
    upgrade: str,
    revision: str,
    parent: str | None,
    *,
    downgrade: str | None = "raise NotImplementedError('an example goes one way')",
) -> str:
    """A revision file whose functions have these bodies; None for no downgrade at all."""
    text = REVISION_FILE.format(revision=revision, down_revision=parent, body=_indented(upgrade))
    if downgrade is not None:
        text += f"\n\ndef downgrade():\n{_indented(downgrade)}\n"
    return text


def _indented(body: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in body.strip().splitlines())


def _parts(example: str) -> tuple[list[str], str]:
    text, _, configure = example.strip("\n").partition(f"{ENVIRONMENT}\n")
    return text.split(f"{NEXT_REVISION}\n"), configure or DEFAULT_CONFIGURE


def _revision_file(body: str, revision: str, parent: str | None) -> str:
    if "def upgrade" in body:
        return (
            body.replace("{revision}", revision)
            .replace("{down_revision}", str(parent))
            .replace("{base_revision}", GIVEN)
        )
    return revision_text(body, revision, parent)
