"""Whatever a directive is given, it becomes an operation or Unresolved: never nothing, no crash."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_proof.linter.python.reader import read_revision

DIRECTIVES = (
    "create_table", "drop_table", "rename_table", "create_table_comment", "drop_table_comment",
    "add_column", "drop_column", "alter_column", "create_foreign_key", "create_unique_constraint",
    "create_primary_key", "create_check_constraint", "create_exclude_constraint", "drop_constraint",
    "create_index", "drop_index", "bulk_insert", "execute", "create_entity", "no_such_thing",
)  # fmt: skip
KEYWORDS = (
    "schema", "name", "type_", "nullable", "server_default", "unique", "columns", "table_name",
    "if_exists", "postgresql_concurrently", "postgresql_where", "new_column_name", "comment",
)  # fmt: skip

atoms = st.sampled_from(
    (
        "None", "True", "0", "-1.5", "''", "'t'", "'a.b'", "f'x{y}'", "unknown", "[]", "('a', 'b')",
        "{'a': 1}", "sa.text('lower(a)')", "sa.Column('a', sa.Integer)", "sa.Column()", "sa.func.now()",
        "sa.Column('a', sa.Enum('x', name='e'), sa.ForeignKey('t.id'), index=True)", "sa.String(5)",
        "sa.PrimaryKeyConstraint('a')", "sa.ForeignKeyConstraint(['a'], ['t.id'])", "(lambda: 1)",
        "sa.table('t', sa.column('a'))", "sa.select(sa.column('a'))", "*unknown", "op.f('n')", "op",
        "sa.Column('a', sa.ARRAY())", "sa.Index('i', 'a')", "sa.CheckConstraint('a > ')", "object()",
        "'é\"; DROP'", "sa.Identity()", "sa.Computed('a')", "sa.Enum()", "unknown.x['y'](1)",
    )
)  # fmt: skip
expressions = st.recursive(
    atoms.filter(lambda text: not text.startswith("*")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} + {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} if unknown else {pair[1]})"),
        inner.map(lambda item: f"str({item})"),
    ),
    max_leaves=4,
)
calls = st.tuples(
    st.sampled_from(DIRECTIVES),
    st.lists(st.one_of(atoms, expressions), max_size=5),
    st.dictionaries(st.sampled_from(KEYWORDS), expressions, max_size=3),
)


@settings(max_examples=300, deadline=None)
@given(calls, st.booleans())
def test_every_directive_is_recorded(
    call: tuple[str, list[str], dict[str, str]], in_batch: bool
) -> None:
    directive, args, kwargs = call
    if in_batch and directive in ("create_table", "drop_table", "rename_table", "bulk_insert"):
        in_batch = False
    arguments = ", ".join([*args, *(f"{name}={value}" for name, value in kwargs.items())])
    receiver = "batch" if in_batch else "op"
    line = f"{receiver}.{directive}({arguments})"
    body = (
        f"    with op.batch_alter_table('t') as batch:\n        {line}\n"
        if in_batch
        else f"    {line}\n"
    )
    text = (
        "import sqlalchemy as sa\nfrom alembic import op\nfrom somewhere import unknown, y\n"
        f"revision = 'a1'\n\ndef upgrade():\n{body}"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a1.py"
        file.write_text(text, encoding="utf-8")
        revision = read_revision(file, root=Path(folder))
    assert revision is not None
    assert revision.upgrade is not None
    assert revision.upgrade.steps, line


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from((
    "if unknown:", "for x in unknown:", "while unknown:", "try:", "with unknown() as w:", "return",
    "raise ValueError", "break", "op.drop_table('t')", "x = unknown.y", "x += 1", "del x", "pass",
    "assert unknown", "global x", "yield x", "[op.drop_table(n) for n in unknown]", "lambda: x",
    "match unknown:", "async def f(): await g()", "class C: x = 1", "import os", "continue",
)), max_size=12))  # fmt: skip
def test_no_body_is_a_crash(lines: list[str]) -> None:
    body = ""
    depth = 1
    for line in lines:
        indent = "    " * depth
        if line == "match unknown:":
            body += f"{indent}{line}\n{indent}    case 1 | [2, *_] | {{'a': 3}} as m if x: pass\n"
        elif line == "try:":
            body += f"{indent}try:\n{indent}    op.drop_table('u')\n{indent}except* E as e: pass\n"
        else:
            body += f"{indent}{line}\n"
            if line.endswith(":") and depth < 8:
                depth += 1
    body += "    " * depth + "pass\n"
    text = f"from alembic import op\nrevision = 'a1'\n\ndef upgrade():\n{body}"
    try:
        compile(text, "a1.py", "exec")
    except SyntaxError:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a1.py"
        file.write_text(text, encoding="utf-8")
        revision = read_revision(file, root=Path(folder))
    assert revision is not None
    assert revision.upgrade is not None
