"""Owns asking git what was released: which revisions a ref already has. Only reads git's objects.

Nothing is checked out, and the environment variables that git sets for hooks (``GIT_DIR``,
``GIT_INDEX_FILE`` and the like) are not passed on: they describe the commit in the making, and are
relative to another folder than ours.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from alembic_proof.errors import GitError
from alembic_proof.project import Project

# `git rev-parse --local-env-vars`, without those that carry configuration (safe.directory in CI)
_HOOK_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_REVISION_ID = re.compile(
    rb"^revision(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*\(?[ \t]*([\"'])(?P<id>[^\"'\n]+)\1", re.MULTILINE
)
# alembic.script.base._legacy_rev: the id in the name of files from Alembic 0.1
_LEGACY_NAME = re.compile(r"(?P<id>[a-f0-9]+)\.py$")


class Released(msgspec.Struct, frozen=True):
    """The revisions that a git ref has.

    ``ids`` are their revision ids. ``paths`` are files (absolute, as they are called now) that the
    ref has but whose id its text does not show plainly. ``commit`` is the ref's commit, ``base`` its
    merge base with HEAD, None when there is none or the clone is too shallow to know.
    """

    ids: frozenset[str]
    paths: frozenset[Path]
    commit: str
    base: str | None

    def has(self, revision_id: str, path: Path) -> bool:
        """Whether this revision of the working tree is released."""
        return revision_id in self.ids or path in self.paths


class Repository:
    """The git repository that a folder of the working tree belongs to."""

    def __init__(self, folder: Path, top: Path) -> None:
        self._folder = folder
        self.top = top

    @classmethod
    def containing(cls, folder: Path) -> Repository:
        """The repository of a folder.

        Raises:
            GitError: git is not installed, the folder is in no repository, git distrusts its owner,
                or the repository has no working tree.

        """
        top = _run(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n")
        return cls(folder, Path(os.fsdecode(top)))

    def commit(self, ref: str) -> str:
        """The id of the commit that a ref names.

        Raises:
            GitError: there is no such ref; the hint is the command that fetches it.

        """
        if ref and not ref.startswith("-"):
            answer = _try(self._folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
            if answer is not None:
                return answer.decode().strip()
        raise GitError(f"git knows no commit {ref!r} in {self.top}", hint=self._how_to_get(ref))

    def merge_base(self, ref: str) -> str:
        """The id of the commit in which the history of HEAD and that of a ref part.

        Raises:
            GitError: there is no such ref, or no common commit; in a shallow clone the hint is the
                command that fetches more.

        """
        commit = self.commit(ref)
        answer = _try(self._folder, "merge-base", commit, "HEAD")
        if answer is not None:
            return answer.decode().strip()
        if self.is_shallow:
            raise GitError(
                f"this shallow clone does not reach the commit that HEAD and {ref} share",
                hint="run `git fetch --unshallow`",
            )
        raise GitError(
            f"HEAD and {ref} share no commit", hint="name a ref that this git branch started from"
        )

    @property
    def is_shallow(self) -> bool:
        """Whether part of the history was left out when it was cloned."""
        return _run(self._folder, "rev-parse", "--is-shallow-repository").strip() == b"true"

    def files_at(self, ref: str, paths: Sequence[Path]) -> dict[Path, bytes]:
        """The contents that files of the working tree have at a ref; those it lacks are left out.

        Raises:
            GitError: there is no such ref.

        """
        names = {self._name(path): path for path in paths}
        blobs = {
            name: blob for name, blob in self._blobs(self.commit(ref)).items() if name in names
        }
        return {names[name]: data for name, data in self._contents(blobs).items()}

    def released(self, ref: str, project: Project, files: Iterable[Path]) -> Released:
        """The revisions that are released when ``ref`` is what is deployed.

        As with three dots on GitHub, HEAD is compared with the merge base of ``ref`` and HEAD; and
        what has come to the tip of ``ref`` since is released too. Revisions are compared by id, so
        that renaming or moving their files changes nothing. ``files`` are the project's revision
        files in the working tree.

        Raises:
            GitError: there is no such ref.

        """
        commit = self.commit(ref)
        base = _try(self._folder, "merge-base", commit, "HEAD")
        commits = [commit] if base is None else list(dict.fromkeys([commit, base.decode().strip()]))
        listed = tuple(files)
        blobs: dict[str, str] = {}
        for tree in reversed(commits):
            blobs |= self._revision_blobs(self._blobs(tree), project, listed)
        ids: set[str] = set()
        paths: set[Path] = set()
        for name, data in self._contents(blobs).items():
            found = _revision_id(name, data)
            if found is None:
                paths.add(self.top / name)
            else:
                ids.add(found)
        return Released(
            ids=frozenset(ids),
            paths=frozenset(path for path in listed if self.top / self._name(path) in paths),
            commit=commit,
            base=commits[-1] if base is not None else None,
        )

    def _revision_blobs(
        self, blobs: Mapping[str, str], project: Project, files: Sequence[Path]
    ) -> dict[str, str]:
        """The blobs that were this project's revision files, wherever they have moved since."""
        folders = [PurePosixPath(self._name(place)) for place in project.version_locations]
        basenames = {path.name for path in files}
        found: dict[str, str] = {}
        for name, blob in blobs.items():
            path = PurePosixPath(name)
            inside = any(
                path.is_relative_to(folder) if project.recursive else path.parent == folder
                for folder in folders
            )
            # a file of the same name elsewhere was moved here, unless it is still there
            moved = path.name in basenames and not inside and not (self.top / name).exists()
            if inside or moved:
                found[name] = blob
        return found

    def _blobs(self, commit: str) -> dict[str, str]:
        """Every Python file of a commit, by its path in the repository, with its blob's id."""
        listing = _run(self._folder, "ls-tree", "-r", "-z", "--full-tree", commit)
        blobs: dict[str, str] = {}
        for line in listing.split(b"\0"):
            attributes, _, name = line.partition(b"\t")
            if name.endswith(b".py") and b" blob " in attributes:
                blobs[os.fsdecode(name)] = attributes.split()[2].decode()
        return blobs

    def _contents(self, blobs: Mapping[str, str]) -> dict[str, bytes]:
        if not blobs:
            return {}
        wanted = "".join(f"{blob}\n" for blob in blobs.values()).encode()
        answer = memoryview(_run(self._folder, "cat-file", "--batch", stdin=wanted))
        contents: dict[str, bytes] = {}
        position = 0
        for name, blob in blobs.items():
            end = bytes(answer[position : position + 200]).index(b"\n") + position
            header = bytes(answer[position:end]).decode().split()
            if header[-1] == "missing":
                raise GitError(
                    f"git lacks the contents of {name} at that commit ({blob})",
                    hint="run `git fetch --refetch`, or clone without --filter",
                )
            size = int(header[2])
            contents[name] = bytes(answer[end + 1 : end + 1 + size])
            position = end + 1 + size + 1
        return contents

    def _name(self, path: Path) -> str:
        """A path of the working tree as git writes it: from the top, with forward slashes."""
        real = os.path.realpath(path.parent)
        return Path(os.path.relpath(os.path.join(real, path.name), self.top)).as_posix()  # noqa: PTH118

    def _how_to_get(self, ref: str) -> str:
        remotes = _run(self._folder, "remote").decode().split()
        remote, _, branch = ref.partition("/")
        if remote in remotes and branch:
            return f"run `git fetch {remote} +refs/heads/{branch}:refs/remotes/{ref}`"
        for remote in remotes:
            if (
                _try(self._folder, "rev-parse", "--verify", "--quiet", f"{remote}/{ref}")
                is not None
            ):
                return f"did you mean {remote}/{ref}?"
        if branch and remote == "origin":
            return "there is no remote named 'origin'; `git remote --verbose` lists those there are"
        if self.is_shallow:
            return "this is a shallow clone: run `git fetch --unshallow --tags`"
        return "`git branch --all` and `git tag` list the refs there are"


def _revision_id(name: str, data: bytes) -> str | None:
    match = _REVISION_ID.search(data)
    if match is not None:
        return match["id"].decode(errors="replace")
    legacy = _LEGACY_NAME.match(PurePosixPath(name).name)
    return legacy["id"] if legacy else None


def _try(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, or None when it says no by its exit status (1 or 128, without the cause)."""
    done = _start(folder, arguments, b"")
    return done.stdout if done.returncode == 0 else None


def _run(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    done = _start(folder, arguments, stdin)
    if done.returncode == 0:
        return done.stdout
    raise _failure(folder, arguments, done.stderr.decode(errors="replace").strip())


def _start(
    folder: Path, arguments: Sequence[str], stdin: bytes
) -> subprocess.CompletedProcess[bytes]:
    environment = {key: value for key, value in os.environ.items() if key not in _HOOK_VARIABLES}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            input=stdin,
            capture_output=True,
            check=False,
            env=environment,
        )
    except FileNotFoundError as error:
        raise GitError(
            "git is not installed, or not in PATH",
            hint="install git, or say what is released with --since",
        ) from error
    except OSError as error:
        raise GitError(
            f"git cannot be run: {error.strerror}", hint="say what is released with --since"
        ) from error


def _failure(folder: Path, arguments: Sequence[str], message: str) -> GitError:
    if "dubious ownership" in message:
        found = re.search(r"repository at '([^']+)'", message)
        place = found[1] if found else str(folder)
        return GitError(
            f"git does not trust the owner of {place}",
            hint=f"run `git config --global --add safe.directory {shlex.quote(place)}`",
        )
    if "not a git repository" in message:
        return GitError(
            f"{folder} is not in a git repository",
            hint="say what is released with --since, or run inside the repository",
        )
    if "must be run in a work tree" in message:
        return GitError(
            f"{folder} is in a repository without a working tree",
            hint="run in a clone that has its files checked out",
        )
    first = message.splitlines()[0] if message else "no message"
    return GitError(f"`git {' '.join(arguments)}` failed: {first}", hint="see what git says")
