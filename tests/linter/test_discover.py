"""Discovery agrees with Alembic about where revisions are, and finds projects from any path."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory

from alembic_proof.errors import ConfigError
from alembic_proof.linter.discover import discover_projects, revision_files
from alembic_proof.linter.python.reader import read_revision
from alembic_proof.project import Project

ENV_PY = "from alembic import context\n\ncontext.configure()\ncontext.run_migrations()\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def revision(name: str) -> str:
    return f'revision = "{name}"\ndown_revision = None\n\n\ndef upgrade():\n    pass\n'


def only(projects: tuple[Project, ...]) -> Project:
    assert len(projects) == 1
    return projects[0]


CONFIGURATIONS = {
    "plain": {"alembic.ini": "[alembic]\nscript_location = migrations\n"},
    "here": {"alembic.ini": "[alembic]\nscript_location = %(here)s/migrations\n"},
    "default section": {
        "alembic.ini": "[DEFAULT]\ndir = migrations\n[alembic]\nscript_location = %(dir)s\n"
    },
    "several locations": {
        "alembic.ini": "[alembic]\nscript_location = migrations\npath_separator = os\n"
        "version_locations = %(here)s/migrations/versions:%(here)s/more\n",
        "more/b.py": revision("b"),
    },
    "legacy separator": {
        "alembic.ini": "[alembic]\nscript_location = migrations\n"
        "version_locations = migrations/versions, more\n",
        "more/b.py": revision("b"),
    },
    "deprecated separator": {
        "alembic.ini": "[alembic]\nscript_location = migrations\nversion_path_separator = ;\n"
        "version_locations = migrations/versions;more\n",
        "more/b.py": revision("b"),
    },
    "newline separator": {
        "alembic.ini": "[alembic]\nscript_location = migrations\npath_separator = newline\n"
        "version_locations =\n    migrations/versions\n    more stuff\n",
        "more stuff/b.py": revision("b"),
    },
    "recursive": {
        "alembic.ini": "[alembic]\nscript_location = migrations\n"
        "recursive_version_locations = true\n",
        "migrations/versions/2024/b.py": revision("b"),
        "migrations/versions/2024/__pycache__/c.py": revision("c"),
    },
    "not recursive": {
        "alembic.ini": "[alembic]\nscript_location = migrations\n",
        "migrations/versions/2024/b.py": revision("b"),
    },
    "overlapping": {
        "alembic.ini": "[alembic]\nscript_location = migrations\npath_separator = space\n"
        "version_locations = migrations/versions migrations/../migrations/versions\n",
    },
    "pyproject": {
        "pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/migrations"\n'
        'version_locations = ["%(here)s/migrations/versions", "more"]\n',
        "more/b.py": revision("b"),
    },
    "both files": {
        "alembic.ini": "[alembic]\nsqlalchemy.url = postgresql:///x\n",
        "pyproject.toml": '[tool.alembic]\nscript_location = "migrations"\n'
        "recursive_version_locations = true\n",
        "migrations/versions/2024/b.py": revision("b"),
    },
    "ini before pyproject": {
        "alembic.ini": "[alembic]\nscript_location = migrations\n",
        "pyproject.toml": '[tool.alembic]\nscript_location = "elsewhere"\n',
    },
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("files", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_agrees_with_alembic(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = {
        "migrations/env.py": ENV_PY,
        "migrations/versions/a.py": revision("a"),
        "migrations/versions/__init__.py": "",
        "migrations/versions/notes.txt": "",
        "migrations/versions/.#a.py": revision("lock"),
    }
    monkeypatch.chdir(write(tmp_path, {**common, **files}))
    ini = tmp_path / "alembic.ini"
    script = ScriptDirectory.from_config(
        AlembicConfig(
            str(ini) if ini.exists() else None, toml_file=str(tmp_path / "pyproject.toml")
        )
    )
    project = only(discover_projects(tmp_path))
    assert project.root == tmp_path
    assert project.script_location == Path(script.dir).absolute()
    assert {path.resolve() for path in revision_files(project)} == {
        Path(item.path) for item in script.walk_revisions()
    }


def test_package_location_is_resolved_without_importing(tmp_path: Path) -> None:
    files = {
        "alembic.ini": "[alembic]\nscript_location = shop.db:migrations\nprepend_sys_path = lib\n",
        "lib/shop/__init__.py": "raise SystemExit('imported')",
        "lib/shop/db/migrations/env.py": ENV_PY,
        "lib/shop/db/migrations/versions/a.py": revision("a"),
    }
    project = only(discover_projects(write(tmp_path, files)))
    assert project.script_location == tmp_path / "lib/shop/db/migrations"


def test_package_location_from_inside_the_package(tmp_path: Path) -> None:
    files = {
        "shop/alembic.ini": "[alembic]\nscript_location = shop:migrations\n",
        "shop/migrations/env.py": ENV_PY,
    }
    assert (
        only(discover_projects(write(tmp_path, files) / "shop")).script_location
        == tmp_path / "shop/migrations"
    )


def test_location_relative_to_a_folder_above(tmp_path: Path) -> None:
    files = {
        "pkg/db/alembic.ini": "[alembic]\nscript_location = pkg/db\n",
        "pkg/db/env.py": ENV_PY,
        "pkg/db/versions/a.py": revision("a"),
    }
    project = only(discover_projects(write(tmp_path, files)))
    assert project.version_locations == (tmp_path / "pkg/db/versions",)


def test_sections_are_projects_of_their_own(tmp_path: Path) -> None:
    files = {
        "setup/alembic.ini": "[DEFAULT]\nscript_location = %(here)s/../db\n"
        "[one]\nversion_locations = %(here)s/../db/one\n"
        "[two]\nversion_locations = %(here)s/../db/two\n"
        "[post_write_hooks]\n[loggers]\nkeys = root\n[logger_root]\nlevel = WARN\n",
        "db/env.py": ENV_PY,
        "db/one/a.py": revision("a"),
        "db/two/a.py": revision("a"),
        ".git/HEAD": "",
    }
    write(tmp_path, files)
    projects = discover_projects(tmp_path)
    assert [(item.section, item.version_locations[0].name) for item in projects] == [
        ("one", "one"),
        ("two", "two"),
    ]
    assert {item.root for item in projects} == {tmp_path}
    assert only(discover_projects(tmp_path / "db/two/a.py")).section == "two"


def monorepo(folder: Path) -> Path:
    (folder / ".git").mkdir()
    return write(
        folder,
        {
            "services/a/alembic.ini": "[alembic]\nscript_location = migrations\n",
            "services/a/migrations/env.py": ENV_PY,
            "services/a/migrations/versions/a.py": revision("a"),
            "services/a/app/models.py": "",
            "services/b/pyproject.toml": '[tool.alembic]\nscript_location = "db"\n',
            "services/b/db/env.py": ENV_PY,
            "services/b/db/versions/b.py": revision("b"),
            "services/c/readme.py": "",
            "config/c.ini": "[alembic]\nscript_location = %(here)s/../libs/c\n",
            "libs/c/env.py": ENV_PY,
            "libs/c/versions/c.py": revision("c"),
            "tox.ini": "[tox]\n",
            ".venv/alembic.ini": "[alembic]\nscript_location = nowhere\n",
            "node_modules/x/alembic.ini": "[alembic]\nscript_location = nowhere\n",
            "other/pyvenv.cfg": "",
            "other/lib/alembic.ini": "[alembic]\nscript_location = nowhere\n",
        },
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (".", ["a", "b", "libs"]),
        ("services", ["a", "b"]),
        ("services/a", ["a"]),
        ("services/a/alembic.ini", ["a"]),
        ("services/a/migrations", ["a"]),
        ("services/a/migrations/versions", ["a"]),
        ("services/a/migrations/versions/a.py", ["a"]),
        ("services/a/migrations/env.py", ["a"]),
        ("services/a/app", ["a"]),
        ("services/a/app/models.py", ["a"]),
        ("services/b/pyproject.toml", ["b"]),
        ("services/b/db/versions/b.py", ["b"]),
        ("libs/c/versions/c.py", ["libs"]),
        ("libs/c", ["libs"]),
    ],
)
def test_any_path_finds_its_project(given: str, expected: list[str], tmp_path: Path) -> None:
    monorepo(tmp_path)
    found = discover_projects(tmp_path / given)
    names = ["libs" if item.root == tmp_path else item.root.name for item in found]
    assert sorted(names) == expected
    assert all(item.config_file is not None for item in found)


def test_unrelated_folder_of_a_monorepo_finds_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no Alembic project was found in") as raised:
        discover_projects(monorepo(tmp_path) / "services/c")
    assert "alembic.ini" in raised.value.hint


def test_inside_a_skipped_folder_when_it_is_given(tmp_path: Path) -> None:
    files = {
        "site-packages/x/alembic.ini": "[alembic]\nscript_location = m\n",
        "site-packages/x/m/env.py": ENV_PY,
    }
    write(tmp_path, files)
    assert only(discover_projects(tmp_path / "site-packages")).script_location.name == "m"
    with pytest.raises(ConfigError):
        discover_projects(tmp_path)


def test_excluded_folders_are_not_entered(tmp_path: Path) -> None:
    monorepo(tmp_path)
    found = discover_projects(tmp_path / "services", exclude=lambda path: path.name == "b")
    assert [item.root.name for item in found] == ["a"]


def test_script_directory_without_configuration(tmp_path: Path) -> None:
    files = {
        "pkg/migrations/env.py": ENV_PY,
        "pkg/migrations/versions/a.py": revision("a"),
        "pkg/env.py": "import os\n",
    }
    write(tmp_path, files)
    for given in ("", "pkg/migrations", "pkg/migrations/versions", "pkg/migrations/versions/a.py"):
        project = only(discover_projects(tmp_path / given))
        assert project.config_file is None
        assert project.root == project.script_location == tmp_path / "pkg/migrations"
        assert [path.name for path in revision_files(project)] == ["a.py"]


def test_flask_migrate_configuration_beside_env_py(tmp_path: Path) -> None:
    files = {
        "migrations/alembic.ini": "[alembic]\n# set at run time\n[loggers]\nkeys = root\n",
        "migrations/env.py": ENV_PY,
        "migrations/versions/a.py": revision("a"),
    }
    project = only(discover_projects(write(tmp_path, files)))
    assert project.config_file == tmp_path / "migrations/alembic.ini"
    assert len(revision_files(project)) == 1


def test_version_folder_alone(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/versions/a.py": revision("a"), "pkg/app.py": ""})
    project = only(discover_projects(tmp_path))
    assert project.version_locations == (tmp_path / "pkg/versions",)
    assert project.root == tmp_path / "pkg"


def test_version_folder_with_another_name(tmp_path: Path) -> None:
    write(tmp_path, {"revisions/a.py": revision("a")})
    assert only(discover_projects(tmp_path)).version_locations == (tmp_path / "revisions",)
    assert only(discover_projects(tmp_path / "revisions/a.py")).root == tmp_path / "revisions"


def test_one_script_directory_configured_three_times_is_one_project(tmp_path: Path) -> None:
    ini = "[alembic]\nscript_location = %(here)s/../shared\n"
    files = {"x/alembic.ini": ini, "y/alembic.ini": ini, "z/alembic.ini": ini}
    write(tmp_path, {**files, "shared/env.py": ENV_PY, "shared/versions/a.py": revision("a")})
    assert only(discover_projects(tmp_path)).script_location == tmp_path / "shared"


def test_symlink_loop_ends(tmp_path: Path) -> None:
    monorepo(tmp_path)
    (tmp_path / "services/a/loop").symlink_to(tmp_path, target_is_directory=True)
    assert len(discover_projects(tmp_path / "services")) == 2


def test_linked_script_directory_is_found(tmp_path: Path) -> None:
    files = {
        "alembic.ini": "[alembic]\nscript_location = migrations\n",
        "real/env.py": ENV_PY,
        "real/versions/a.py": revision("a"),
    }
    write(tmp_path, files)
    (tmp_path / "migrations").symlink_to("real", target_is_directory=True)
    assert only(discover_projects(tmp_path / "real/versions/a.py")).config_file is not None


def test_unusable_configuration_beside_a_good_one_is_noted(tmp_path: Path) -> None:
    monorepo(tmp_path)
    write(tmp_path, {"services/z/alembic.ini": "[alembic]\nscript_location = gone\n"})
    notes = [note for item in discover_projects(tmp_path / "services") for note in item.notes]
    assert len(notes) == 1
    assert "services/z/alembic.ini: script_location 'gone' does not exist" in notes[0]


@pytest.mark.parametrize(
    ("ini", "complaint"),
    [
        ("[alembic]\nscript_location = gone\n", "script_location 'gone' does not exist"),
        ("[alembic]\nscript_location = %(nope)s\n", "nope"),
        ("[alembic]\nscript_location = .\nscript_location = .\n", "cannot be parsed"),
        ("[alembic]\nscript_location = .\npath_separator = x\n", "path_separator is 'x'"),
        ("[other]\nx = script_location\n", "does not configure Alembic"),
    ],
)
def test_unusable_configuration_is_refused(ini: str, complaint: str, tmp_path: Path) -> None:
    file = write(tmp_path, {"my.ini": ini}) / "my.ini"
    with pytest.raises(ConfigError) as raised:
        discover_projects(file)
    assert complaint in raised.value.message
    assert "my.ini" in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("[tool.alembic]\nscript_location = 3\n", "script_location is not a string"),
        ("[tool.alembic\n", "not valid TOML"),
        ('[tool]\nalembic = "x"\n', "not a table"),
        ('[tool.alembic]\nscript_location = "%(x)s"\n', "cannot be interpolated"),
    ],
)
def test_unusable_pyproject_is_refused(toml: str, complaint: str, tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": toml})
    with pytest.raises(ConfigError, match=complaint):
        discover_projects(tmp_path)


def test_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        discover_projects(tmp_path / "gone")


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder to work in while the process has no rights over other users' files."""
    was_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        if was_root:
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if was_root:
                os.seteuid(0)


def test_folder_without_permission(unprivileged: Path) -> None:
    monorepo(unprivileged)
    closed = unprivileged / "services/closed"
    closed.mkdir()
    closed.chmod(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        discover_projects(closed)
    notes = [note for item in discover_projects(unprivileged / "services") for note in item.notes]
    assert notes == [f"{closed} was not searched: Permission denied"]
    closed.chmod(0o700)


def test_unusable_configuration_above_is_reported(tmp_path: Path) -> None:
    files = {
        "alembic.ini": "[alembic]\nscript_location = %(gone)s\n",
        "migrations/versions/a.py": revision("a"),
    }
    write(tmp_path, files)
    with_versions = only(discover_projects(tmp_path / "migrations"))
    assert "alembic.ini" in with_versions.notes[0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="gone"):
        discover_projects(tmp_path / "empty")


def test_unusable_configuration_in_the_folder_given_is_an_error(tmp_path: Path) -> None:
    files = {
        "alembic.ini": "no section\n",
        "migrations/env.py": ENV_PY,
        "migrations/versions/a.py": revision("a"),
    }
    write(tmp_path, files)
    with pytest.raises(ConfigError, match="cannot be parsed"):
        discover_projects(tmp_path)


def test_configured_and_bare_projects_side_by_side(tmp_path: Path) -> None:
    monorepo(tmp_path)
    write(tmp_path, {"libs/d/env.py": ENV_PY, "libs/d/versions/d.py": revision("d")})
    found = discover_projects(tmp_path / "libs")
    assert [(item.script_location.name, item.config_file is None) for item in found] == [
        ("c", False),
        ("d", True),
    ]


@pytest.mark.parametrize(
    "names",
    [
        'revision = "a"; down_revision = None',
        'revision, down_revision = "a", None',
        '\ufeffdown_revision = None\nrevision = "a"',
        'branch_labels = None; down_revision = None; revision = "a"',
    ],
)
def test_a_bare_folder_with_oddly_written_revisions(tmp_path: Path, names: str) -> None:
    file = tmp_path / "changes" / "a.py"
    file.parent.mkdir()
    file.write_text(f"{names}\n\n\ndef upgrade():\n    pass\n", encoding="utf-8")
    (project,) = discover_projects(tmp_path)
    assert revision_files(project) == (file,)
    read = read_revision(file, root=tmp_path)
    assert read is not None
    assert read.id == "a"
    assert read.parents == ()
