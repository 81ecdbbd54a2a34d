"""Which locks are held when a step runs: commits, autocommit blocks, revisions that share one."""

from __future__ import annotations

import pytest

from alembic_proof.effects import Effects, TableEffect
from alembic_proof.locks import LockMode
from alembic_proof.objects import Name
from alembic_proof.operations import (
    CommitTransaction,
    EnterAutocommit,
    LeaveAutocommit,
    NoOperation,
    Operation,
    RenameTable,
    SetParameter,
    Step,
)
from alembic_proof.project import Environment
from alembic_proof.transactions import Mode, Session

ORDERS = Name("orders")


def run(session: Session, operation: Operation, lock: LockMode | None = None) -> None:
    effects = Effects(tables=(TableEffect(ORDERS, lock),)) if lock else Effects()
    session.run(Step(operation=operation, line=1), effects, "r1")


def locked(session: Session) -> LockMode | None:
    held = session.moment().held_on(ORDERS)
    return held.lock if held else None


def test_the_strongest_lock_stays_until_the_end_of_the_transaction() -> None:
    session = Session(Environment())
    run(session, NoOperation(), LockMode.ACCESS_EXCLUSIVE)
    run(session, NoOperation(), LockMode.SHARE)
    assert locked(session) is LockMode.ACCESS_EXCLUSIVE
    run(session, CommitTransaction(raw=False))
    assert locked(session) is None


def test_an_autocommit_block_commits_and_holds_nothing() -> None:
    session = Session(Environment())
    run(session, NoOperation(), LockMode.ACCESS_EXCLUSIVE)
    run(session, EnterAutocommit())
    assert session.moment().mode is Mode.AUTOCOMMIT
    assert locked(session) is None
    run(session, NoOperation(), LockMode.SHARE_UPDATE_EXCLUSIVE)
    assert locked(session) is None
    run(session, LeaveAutocommit())
    assert session.moment().mode is Mode.TRANSACTION


def test_every_statement_outside_a_transaction_is_one_of_its_own() -> None:
    session = Session(Environment())
    run(session, EnterAutocommit())
    first = session.moment().number
    run(session, NoOperation(), LockMode.SHARE)
    assert session.moment().number > first


def test_a_raw_commit_leaves_the_driver_behind() -> None:
    session = Session(Environment())
    run(session, CommitTransaction(raw=True))
    assert session.moment().mode is Mode.AFTER_RAW_COMMIT


def test_revisions_share_a_transaction_unless_env_py_says_otherwise() -> None:
    shared, separate = (
        Session(Environment(transaction_per_migration=flag)) for flag in (None, True)
    )
    for session in (shared, separate):
        session.begin_revision()
        run(session, NoOperation(), LockMode.ACCESS_EXCLUSIVE)
        session.begin_revision()
    assert locked(shared) is LockMode.ACCESS_EXCLUSIVE
    assert locked(separate) is None


@pytest.mark.parametrize(
    "environment", [Environment(transactional_ddl=False), Environment(autocommit=True)]
)
def test_without_a_transaction_every_statement_commits(environment: Environment) -> None:
    assert Session(environment).moment().mode is Mode.AUTOCOMMIT


def test_a_local_setting_ends_with_its_transaction() -> None:
    session = Session(Environment())
    run(session, SetParameter(parameter="lock_timeout", value="2s", local=True))
    run(session, SetParameter(parameter="statement_timeout", value="9s"))
    assert session.moment().parameters == {"lock_timeout": "2s", "statement_timeout": "9s"}
    run(session, CommitTransaction(raw=False))
    assert session.moment().parameters == {"statement_timeout": "9s"}


def test_a_reset_setting_is_gone() -> None:
    session = Session(Environment())
    run(session, SetParameter(parameter="lock_timeout", value="2s"))
    run(session, SetParameter(parameter="lock_timeout", value=None))
    assert session.moment().parameters == {}


def test_a_renamed_table_keeps_its_locks() -> None:
    session = Session(Environment())
    run(session, RenameTable(table=ORDERS, new_name="purchases"), LockMode.ACCESS_EXCLUSIVE)
    held = session.moment().held_on(Name("purchases"))
    assert held is not None
    assert held.lock is LockMode.ACCESS_EXCLUSIVE
    assert locked(session) is None
