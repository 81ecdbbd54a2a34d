"""Owns the exceptions that mean "the job could not be done": exit status 2, never a pass.

    AlembicProofError
    ├── UsageError          the command line asks for something that cannot be
    ├── ConfigError         [tool.alembic-proof] or the Alembic configuration cannot be used
    ├── SourceError         a revision file or env.py cannot be read
    ├── HistoryError        the revisions do not form a history (cycle, missing parent, duplicate id)
    ├── GitError            git could not answer
    ├── RuleError           a rule crashed: our bug, reported with rule and revision
    ├── ServerError         no PostgreSQL could be had, or it stopped answering
    └── SandboxError        the project's own Alembic environment failed inside the gate

Anything else that reaches the top is a bug of ours and is shown with its traceback.
"""

from __future__ import annotations


class AlembicProofError(Exception):
    """A problem that the user can act on.

    ``message`` says what is wrong and where; ``hint`` says what to do next.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AlembicProofError):
    """The command line asks for something that cannot be."""


class ConfigError(AlembicProofError):
    """A configuration file is unreadable or has a key or value that means nothing."""


class SourceError(AlembicProofError):
    """A revision file or env.py cannot be read."""


class HistoryError(AlembicProofError):
    """The revisions do not form a history."""


class GitError(AlembicProofError):
    """git could not answer: no repository, no such ref, or a shallow clone."""


class RuleError(AlembicProofError):
    """A rule crashed; the other findings are still printed."""


class ServerError(AlembicProofError):
    """No PostgreSQL could be had, or it stopped answering."""


class SandboxError(AlembicProofError):
    """The project's own Alembic environment failed inside the gate."""
