"""Owns which revisions are pending: what the release under review would apply."""

from __future__ import annotations

import msgspec

from alembic_proof.config import Config
from alembic_proof.history import History, Revision
from alembic_proof.project import Project


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What to judge, from the command line or else from the configuration.

    ``diff_base`` is a git ref: pending is what it does not have. ``since`` is a revision: pending is
    what comes after it. With neither, or with ``all``, every revision is judged as a release of its
    own, as if the history had been deployed one revision at a time.
    """

    diff_base: str | None = None
    since: str | None = None
    all: bool = False

    def or_configured(self, config: Config) -> Selection:
        """Return this selection, or the configured one where the command line makes none."""
        if self.all or self.diff_base or self.since:
            return self
        return Selection(diff_base=config.diff_base, since=config.since)


class Pending(msgspec.Struct, frozen=True):
    """The releases to judge, and in words how they were chosen."""

    releases: tuple[tuple[Revision, ...], ...]
    description: str


def select_pending(history: History, project: Project, selection: Selection) -> Pending:
    """The pending revisions of a history, release by release.

    Raises:
        GitError: git cannot say what ``diff_base`` has.
        HistoryError: there is no revision ``since``.

    """
    if selection.diff_base is not None:
        revisions = _not_in_ref(history, project, selection.diff_base)
        return Pending((revisions,), f"not in {selection.diff_base}")
    if selection.since is not None:
        first = history.find(selection.since)
        return Pending((history.after([first.id]),), f"after {first.id}")
    return Pending(
        tuple((revision,) for revision in history), "each judged as a release of its own"
    )


def _not_in_ref(history: History, project: Project, ref: str) -> tuple[Revision, ...]:
    from alembic_proof.linter.git import Repository

    repository = Repository.containing(project.script_location)
    paths = {revision.id: project.root / revision.path for revision in history}
    released = repository.released(ref, project, paths.values())
    return tuple(
        revision for revision in history if not released.has(revision.id, paths[revision.id])
    )
