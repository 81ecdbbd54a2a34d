"""What a ref has released, asked of real repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from alembic_proof.errors import GitError
from alembic_proof.linter.discover import revision_files
from alembic_proof.linter.git import Released, Repository
from alembic_proof.project import Project


@pytest.fixture(autouse=True)
def plain_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git without the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def revision(folder: Path, name: str, revision_id: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f'revision = "{revision_id or Path(name).stem}"\n')


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "x")
    return git(folder, "rev-parse", "HEAD")


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder


def project(root: Path, *, recursive: bool = False) -> Project:
    return Project(
        root=root,
        script_location=root / "migrations",
        version_locations=(root / "migrations/versions",),
        recursive=recursive,
    )


def released(of: Project, ref: str) -> Released:
    return Repository.containing(of.script_location).released(ref, of, revision_files(of))


def pending(of: Project, ref: str) -> list[str]:
    found = released(of, ref)
    files = revision_files(of)
    return [path.stem for path in files if not found.has(path.stem, path)]


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A project in a folder of a repository: a and b on main; c on the git branch checked out."""
    top = repository(tmp_path / "répo with space")
    shop = project(top / "services/shop")
    versions = shop.version_locations[0]
    revision(versions, "a.py")
    revision(versions, "b.py")
    commit(top)
    git(top, "checkout", "--quiet", "-b", "feature")
    revision(versions, "c.py")
    commit(top)
    return shop


def test_pending_is_what_the_ref_has_not(shop: Project) -> None:
    assert pending(shop, "main") == ["c"]
    found = released(shop, "main")
    assert found.ids == {"a", "b"}
    assert found.base == found.commit == git(shop.root, "rev-parse", "main")


def test_uncommitted_files_are_pending(shop: Project) -> None:
    revision(shop.version_locations[0], "d.py")
    assert pending(shop, "HEAD") == ["d"]


def test_what_came_to_the_tip_since_is_released(shop: Project) -> None:
    git(shop.root, "checkout", "--quiet", "main")
    revision(shop.version_locations[0], "c.py")
    commit(shop.root)
    git(shop.root, "checkout", "--quiet", "feature")
    assert pending(shop, "main") == []


def test_what_the_tip_has_dropped_since_was_released(shop: Project) -> None:
    git(shop.root, "checkout", "--quiet", "main")
    (shop.version_locations[0] / "a.py").unlink()
    commit(shop.root)
    git(shop.root, "checkout", "--quiet", "feature")
    assert pending(shop, "main") == ["c"]


def test_a_renamed_and_edited_file_is_the_same_revision(shop: Project) -> None:
    versions = shop.version_locations[0]
    (versions / "a.py").rename(versions / "2024_a.py")
    (versions / "2024_a.py").write_text('# edited\nrevision: str = "a"\n')
    assert released(shop, "main").has("a", versions / "2024_a.py")


def test_a_moved_script_directory_is_the_same_history(shop: Project) -> None:
    moved = project(shop.root / "src")
    shutil.move(shop.script_location, moved.script_location)
    assert pending(moved, "main") == ["c"]


def test_another_project_with_the_same_names_is_not_this_one(shop: Project) -> None:
    other = project(shop.root.parent / "other")
    revision(other.version_locations[0], "a.py")
    assert pending(other, "main") == ["a"]


def test_files_in_subfolders_count_only_when_alembic_reads_them(shop: Project) -> None:
    revision(shop.version_locations[0] / "old", "z.py")
    commit(shop.root)
    assert "z" not in released(shop, "HEAD").ids
    assert "z" in released(project(shop.root, recursive=True), "HEAD").ids


def test_an_id_that_is_not_plain_is_known_by_its_path(shop: Project) -> None:
    file = shop.version_locations[0] / "computed.py"
    file.write_text('revision = "x" + "y"\n'.replace('"x" + "y"', "PREFIX + '1'"))
    commit(shop.root)
    found = released(shop, "HEAD")
    assert found.has("whatever it is", file)
    assert not found.has("whatever it is", file.with_name("else.py"))


def test_names_beyond_ascii(shop: Project) -> None:
    revision(shop.version_locations[0], "été 1.py", "summer")
    commit(shop.root)
    assert "summer" in released(shop, "HEAD").ids


def test_files_at_a_ref(shop: Project) -> None:
    a, c = (shop.version_locations[0] / name for name in ("a.py", "c.py"))
    a.write_text("changed\n")
    found = Repository.containing(shop.root).files_at("main", [a, c, shop.root / "gone.py"])
    assert found == {a: b'revision = "a"\n'}


def test_any_kind_of_ref(shop: Project) -> None:
    git(shop.root, "tag", "--annotate", "--message", "x", "v1", "main")
    for ref in ("main", "refs/heads/main", "HEAD~1", "v1", git(shop.root, "rev-parse", "main")):
        assert pending(shop, ref) == ["c"]


def test_in_a_worktree(shop: Project, tmp_path: Path) -> None:
    git(shop.root, "worktree", "add", "--quiet", str(tmp_path / "tree"), "main")
    elsewhere = project(tmp_path / "tree/services/shop")
    revision(elsewhere.version_locations[0], "e.py")
    assert pending(elsewhere, "HEAD") == ["e"]


def test_through_a_symbolic_link(shop: Project, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(shop.root, target_is_directory=True)
    assert pending(project(tmp_path / "link"), "main") == ["c"]


def test_variables_of_hooks_are_not_followed(
    shop: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "gone/index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert pending(shop, "main") == ["c"]


def failure(of: Project, ref: str) -> GitError:
    with pytest.raises(GitError) as raised:
        released(of, ref)
    return raised.value


@pytest.mark.parametrize("ref", ["gone", "", "--all", "main:services"])
def test_unknown_ref(ref: str, shop: Project) -> None:
    error = failure(shop, ref)
    assert f"no commit {ref!r}" in error.message
    assert "git branch --all" in error.hint


def test_missing_remote_branch_says_how_to_fetch_it(shop: Project, tmp_path: Path) -> None:
    top = git(shop.root, "rev-parse", "--show-toplevel")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--single-branch", "--branch", "feature", top, str(clone))
    cloned = project(clone / "services/shop")
    hint = failure(cloned, "origin/main").hint
    assert hint == "run `git fetch origin +refs/heads/main:refs/remotes/origin/main`"
    git(clone, *hint.split("`")[1].split()[1:])
    assert pending(cloned, "origin/main") == ["c"]
    assert failure(cloned, "main").hint == "did you mean origin/main?"


def test_no_remote_of_that_name(shop: Project) -> None:
    assert "no remote named 'origin'" in failure(shop, "origin/main").hint


def shallow(shop: Project, tmp_path: Path) -> Project:
    top = git(shop.root, "rev-parse", "--show-toplevel")
    clone = tmp_path / "shallow"
    url = Path(top).as_uri()
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch", "feature", url, str(clone))
    return project(clone / "services/shop")


def test_shallow_clone(shop: Project, tmp_path: Path) -> None:
    cloned = shallow(shop, tmp_path)
    assert "git fetch --unshallow" in failure(cloned, "HEAD~1").hint
    git(cloned.root, "fetch", "--quiet", "--depth=1", "origin", "main")
    with pytest.raises(GitError, match="shallow clone does not reach") as raised:
        Repository.containing(cloned.root).merge_base("FETCH_HEAD")
    assert raised.value.hint == "run `git fetch --unshallow`"
    assert pending(cloned, "FETCH_HEAD") == ["c"]
    assert released(cloned, "FETCH_HEAD").base is None
    git(cloned.root, "fetch", "--quiet", "--unshallow")
    assert pending(cloned, "HEAD~1") == ["c"]


def test_unrelated_histories(shop: Project) -> None:
    git(shop.root, "checkout", "--quiet", "--orphan", "alone")
    commit(shop.root)
    with pytest.raises(GitError, match="share no commit"):
        Repository.containing(shop.root).merge_base("main")


def test_no_repository(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    error = failure(project(tmp_path), "main")
    assert "is not in a git repository" in error.message
    assert "--since" in error.hint


def test_repository_without_a_commit(tmp_path: Path) -> None:
    top = repository(tmp_path / "new")
    revision(top / "migrations/versions", "a.py")
    assert "no commit 'HEAD'" in failure(project(top), "HEAD").message


def test_bare_repository(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    with pytest.raises(GitError, match="without a working tree"):
        Repository.containing(bare)


def test_git_is_not_installed(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(shop.root))
    assert "git is not installed" in failure(shop, "main").message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_owner_that_git_does_not_trust(shop: Project) -> None:
    top = Path(git(shop.root, "rev-parse", "--show-toplevel"))
    for path in (top, top / ".git"):
        os.chown(path, 65534, 65534)
    error = failure(shop, "main")
    assert error.hint == f"run `git config --global --add safe.directory '{top}'`"
