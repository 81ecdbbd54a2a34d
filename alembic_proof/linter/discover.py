"""Owns finding Alembic projects on disk, as Alembic itself would resolve their configuration.

Nothing is imported: ``package:path`` locations are looked up as folders. Where Alembic depends on
the current directory, the folders that a user would run it from are tried, nearest first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from alembic_proof.errors import ConfigError
from alembic_proof.linter.alembic_config import AlembicSettings, read_ini, read_pyproject
from alembic_proof.project import Project

_SKIPPED = frozenset({"venv", "node_modules", "site-packages", "build", "__pycache__"})
# alembic.script.base._only_source_rev_file
_REVISION_FILE = re.compile(r"(?!\.\#|__init__)(.*\.py)$")
_LOOKS_LIKE_REVISION = re.compile(
    rb"^(?:\xef\xbb\xbf)?(?:revision\b.*[;,][ \t]*|\w.*;[ \t]*)?down_revision\b", re.MULTILINE
)


def discover_projects(
    path: Path, *, exclude: Callable[[Path], bool] | None = None
) -> tuple[Project, ...]:
    """The Alembic projects that a path means, in order of their root.

    A configuration file means its projects (one for each section). A path inside a script directory
    means the project that owns it. A folder means every project beneath it or, when there is none,
    the project of the nearest configuration above. Script directories and version folders without
    a configuration count too. Hidden folders, virtual environments, ``node_modules``, ``build`` and
    folders for which ``exclude`` is true are not entered.

    Raises:
        ConfigError: the path does not exist or cannot be read, no project was found, or the
            configuration given, or one in the folder given, cannot be used.

    """
    start = _existing(path)
    if start.is_file() and start.suffix in (".ini", ".toml"):
        return _from_configuration_file(start)
    folder = start if start.is_dir() else start.parent
    configurations = _configurations_above(folder)
    above, broken = _attempt(configurations)
    unusable = _attempt([file for file in configurations if file.parent == folder])[1]
    if unusable:
        raise unusable[0]
    owners = _owners(above, start)
    if owners:
        return _tidy(owners, ())
    walk = _Walk.of(folder, exclude)
    below, also_broken = _attempt(walk.configurations)
    broken += also_broken
    configured = [*below, *_beneath(above, folder)]
    found = _with_bare(configured, walk)
    if any(project.config_file is None for project in found) or not found:
        elsewhere = _elsewhere(folder, exclude)
        owners = _owners(elsewhere, start)
        if owners:
            return _tidy(owners, ())
        found = _with_bare([*configured, *_beneath(elsewhere, folder)], walk)
    if start.is_file():
        found = _owners(found, start)
    found = found or _owners(_bare_above(folder), start)
    if not found and start.is_dir():
        found = [
            _bare_version_folder(place) for place in walk.python_folders if _has_revisions(place)
        ]
    found = found or _nearest(above)
    if not found:
        raise broken[0] if broken else _nothing_found(start, walk)
    refused = dict.fromkeys(f"not linted: {error.message}" for error in broken)
    return _tidy(found, [*walk.notes, *refused])


def revision_files(project: Project) -> tuple[Path, ...]:
    """The Python files that Alembic would load as revisions, each once, sorted by path."""
    found: dict[str, Path] = {}
    for location in project.version_locations:
        for file in _listed(location, recursive=project.recursive):
            found.setdefault(os.path.realpath(file), Path(file))
    return tuple(sorted(found.values()))


def _listed(location: Path, *, recursive: bool) -> Iterator[str]:
    for folder, folders, files in os.walk(location):
        folders[:] = [name for name in folders if recursive and not name.endswith("__pycache__")]
        for name in files:
            if _REVISION_FILE.match(name):
                yield os.path.join(folder, name)  # noqa: PTH118 - ten thousand files


@dataclass(slots=True)
class _Walk:
    """What lies in a folder and beneath it that may belong to an Alembic project."""

    top: Path
    configurations: list[Path] = field(default_factory=list)
    environments: list[Path] = field(default_factory=list)
    version_folders: list[Path] = field(default_factory=list)
    python_folders: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, top: Path, exclude: Callable[[Path], bool] | None) -> _Walk:
        walk = cls(top)
        for name, folders, files in os.walk(top, onerror=walk._refused):
            folder = Path(name)
            folders[:] = sorted(
                child
                for child in folders
                if not child.startswith(".")
                and child not in _SKIPPED
                and not (exclude and exclude(folder / child))
            )
            if "pyvenv.cfg" in files and folder != top:
                folders.clear()
                continue
            walk._visit(folder, files)
        return walk

    def _visit(self, folder: Path, files: list[str]) -> None:
        self.configurations += [
            folder / name
            for name in sorted(files)
            if name.endswith(".ini") or name == "pyproject.toml"
        ]
        if any(name.endswith(".py") for name in files):
            self.python_folders.append(folder)
            if folder.name == "versions":
                self.version_folders.append(folder)
        if "env.py" in files and _is_environment(folder / "env.py"):
            self.environments.append(folder)

    def _refused(self, error: OSError) -> None:
        if error.filename == str(self.top):
            raise ConfigError(
                f"cannot read {self.top}: {error.strerror}", hint="check the folder's permissions"
            ) from error
        self.notes.append(f"{error.filename} was not searched: {error.strerror}")


def _existing(path: Path) -> Path:
    start = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() keeps ".."
    try:
        start.stat()
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}",
            hint="give a folder, an alembic.ini or a revision file that exists",
        ) from error
    return start


def _from_configuration_file(file: Path) -> tuple[Project, ...]:
    projects = list(_configured([file]))
    if not projects:
        raise ConfigError(
            f"{file} does not configure Alembic",
            hint="it needs script_location in [alembic], or in [tool.alembic] of pyproject.toml",
        )
    return _tidy(projects, ())


def _attempt(configurations: Sequence[Path]) -> tuple[list[Project], list[ConfigError]]:
    """The projects of these files, and what is wrong with the files that cannot be used."""
    found: list[Project] = []
    broken: list[ConfigError] = []
    for folder in dict.fromkeys(file.parent for file in configurations):
        try:
            found += _configured([file for file in configurations if file.parent == folder])
        except ConfigError as error:
            broken.append(error)
    return found, broken


def _configured(files: Sequence[Path]) -> Iterator[Project]:
    """The projects that the configuration files of one folder describe, read together.

    Alembic reads each option from the ini file first and from pyproject.toml after it.
    """
    folder = files[0].parent
    toml = read_pyproject(folder / "pyproject.toml")
    inis = [settings for file in files if file.suffix == ".ini" for settings in read_ini(file)]
    for settings in inis:
        merged = settings
        if toml is not None and settings.file.name == "alembic.ini":
            merged = settings.or_else(toml)
        if merged.script_location is not None:
            yield _project(merged, merged.script_location)
        elif _is_environment(folder / "env.py"):
            yield _beside_environment(merged)
    named = any(settings.file.name == "alembic.ini" for settings in inis)
    if toml is not None and toml.script_location is not None and not named:
        yield _project(toml, toml.script_location)


def _project(settings: AlembicSettings, script_location: str) -> Project:
    script, base = _locate_script(settings, script_location)
    if settings.version_locations:
        bases = [base, *_bases(settings.folder)]
        versions = tuple(
            _locate(location, bases, settings) or _against(base, location)
            for location in settings.version_locations
        )
    else:
        versions = (script / "versions",)
    return Project(
        root=_root(settings.folder, (script, *versions)),
        script_location=script,
        version_locations=versions,
        config_file=settings.file,
        section=settings.section,
        recursive=settings.recursive,
    )


def _beside_environment(settings: AlembicSettings) -> Project:
    """Flask-Migrate keeps alembic.ini in the script directory and sets script_location at run time."""
    folder = settings.folder
    versions = tuple(
        _locate(location, _bases(folder), settings) or _against(folder, location)
        for location in settings.version_locations
    )
    bare = _bare_script_directory(folder)
    return Project(
        root=folder,
        script_location=folder,
        version_locations=versions or bare.version_locations,
        config_file=settings.file,
        section=settings.section,
        recursive=settings.recursive or bare.recursive,
    )


def _locate_script(settings: AlembicSettings, location: str) -> tuple[Path, Path]:
    """The script directory, and the folder that relative locations are relative to."""
    bases = _bases(settings.folder)
    places = [(place, base) for base in bases for place in _places(location, base, settings)]
    for place, base in places:
        if _is_there(place / "env.py"):
            return place, base
    for place, base in places:
        if _is_folder(place):
            return place, base
    raise ConfigError(
        f"{settings.file}: script_location {location!r} does not exist",
        hint=f"it was looked for in {_listing(bases)}; correct it, or run `alembic init` to make it",
    )


def _locate(location: str, bases: Sequence[Path], settings: AlembicSettings) -> Path | None:
    places = (place for base in bases for place in _places(location, base, settings))
    return next((place for place in places if _is_folder(place)), None)


def _places(location: str, base: Path, settings: AlembicSettings) -> Iterator[Path]:
    """The folders that a location can mean when Alembic runs in ``base``."""
    if Path(location).is_absolute() or ":" not in location:
        yield _against(base, location)
        return
    package, *rest = location.split(":")
    folder = Path(*package.split("."), *rest)
    for entry in (*settings.prepend_sys_path, ".", "src"):
        yield _against(_against(base, entry), str(folder))


def _against(base: Path, location: str) -> Path:
    return Path(os.path.normpath(base / location))


def _bases(folder: Path) -> list[Path]:
    """The folders that Alembic may be run from: the configuration's own, the current, those above."""
    limit = _repository_root(folder)
    above = [parent for parent in folder.parents if limit is None or parent.is_relative_to(limit)]
    return list(dict.fromkeys([folder, Path.cwd(), *above]))


def _root(folder: Path, locations: Iterable[Path]) -> Path:
    common = Path(os.path.commonpath([folder, *locations]))
    return folder if common == Path(common.anchor) else common


def _configurations_above(folder: Path) -> list[Path]:
    """What may configure Alembic in this folder and in those above it, nearest first."""
    limit = _repository_root(folder)
    places = [
        place for place in (folder, *folder.parents) if limit is None or place.is_relative_to(limit)
    ]
    return [
        file for place in places for file in (*_in(place, "*.ini"), *_in(place, "pyproject.toml"))
    ]


def _in(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _nearest(above: Sequence[Project]) -> list[Project]:
    """The projects of the nearest folder that configures any."""
    folders = [project.config_file.parent for project in above if project.config_file]
    return [project for project, folder in zip(above, folders, strict=True) if folder == folders[0]]


def _beneath(projects: Iterable[Project], folder: Path) -> list[Project]:
    return [project for project in projects if project.script_location.is_relative_to(folder)]


def _owners(projects: Iterable[Project], path: Path) -> list[Project]:
    """The projects that have the path in a version location or else in their script directory."""
    listed = list(projects)
    real = path.resolve()
    by_versions = [
        project
        for project in listed
        if any(real.is_relative_to(place.resolve()) for place in project.version_locations)
    ]
    return by_versions or [
        project for project in listed if real.is_relative_to(project.script_location.resolve())
    ]


def _elsewhere(folder: Path, exclude: Callable[[Path], bool] | None) -> list[Project]:
    """The configured projects of the whole repository that a folder lies in."""
    repository = _repository_root(folder)
    if repository is None or repository == folder:
        return []
    return _attempt(_Walk.of(repository, exclude).configurations)[0]


def _repository_root(folder: Path) -> Path | None:
    return next((place for place in (folder, *folder.parents) if _is_there(place / ".git")), None)


def _with_bare(configured: Sequence[Project], walk: _Walk) -> list[Project]:
    """The configured projects, and the script directories beneath a folder that none of them uses."""
    found = list(configured)
    for folder in walk.environments:
        if not _covered(folder, found):
            found.append(_bare_script_directory(folder))
    for folder in walk.version_folders:
        if not _covered(folder, found) and _has_revisions(folder):
            found.append(_bare_version_folder(folder))
    return found


def _covered(folder: Path, projects: Iterable[Project]) -> bool:
    return any(
        folder.is_relative_to(place)
        for project in projects
        for place in (project.script_location, *project.version_locations)
    )


def _bare_above(folder: Path) -> list[Project]:
    """The script directory without a configuration that the folder lies in."""
    for place in (folder, *folder.parents):
        if _is_environment(place / "env.py"):
            return [_bare_script_directory(place)]
    return [_bare_version_folder(folder)] if _has_revisions(folder) else []


def _bare_script_directory(folder: Path) -> Project:
    versions = folder / "versions"
    if _is_folder(versions) and _has_revisions(versions):
        return Project(root=folder, script_location=folder, version_locations=(versions,))
    others = tuple(
        place for place in _Walk.of(folder, None).python_folders if _has_revisions(place)
    )
    return Project(root=folder, script_location=folder, version_locations=others or (versions,))


def _bare_version_folder(folder: Path) -> Project:
    script = folder.parent if folder.name == "versions" else folder
    return Project(root=script, script_location=script, version_locations=(folder,))


def _is_there(path: Path) -> bool:
    """Whether it exists, as far as this user may know (``Path.exists`` raises when he may not)."""
    try:
        return path.exists()
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_environment(file: Path) -> bool:
    try:
        text = file.read_bytes()
    except OSError:
        return False
    return b"alembic" in text and b"run_migrations" in text


def _has_revisions(folder: Path) -> bool:
    return any(_is_revision(file) for file in _in(folder, "*.py"))


def _is_revision(file: Path) -> bool:
    try:
        return _LOOKS_LIKE_REVISION.search(file.read_bytes()) is not None
    except OSError:
        return False


def _tidy(projects: Iterable[Project], notes: Sequence[str]) -> tuple[Project, ...]:
    """Each pair of script directory and version locations once, in order of root.

    The first project carries the notes.
    """
    unique: dict[tuple[Path, tuple[Path, ...]], Project] = {}
    for project in projects:
        unique.setdefault((project.script_location, project.version_locations), project)
    first, *others = sorted(unique.values(), key=lambda project: project.root)
    return (msgspec.structs.replace(first, notes=tuple(notes)), *others)


def _nothing_found(start: Path, walk: _Walk) -> ConfigError:
    where = f"in {start} or the folders above it"
    refused = f" ({'; '.join(walk.notes)})" if walk.notes else ""
    return ConfigError(
        f"no Alembic project was found {where}{refused}",
        hint="give the folder of alembic.ini, of a pyproject.toml with [tool.alembic], or of env.py",
    )


def _listing(folders: Sequence[Path]) -> str:
    shown = [str(folder) for folder in folders[:3]]
    return ", ".join(shown) + (" and the folders above" if len(folders) > 3 else "")
