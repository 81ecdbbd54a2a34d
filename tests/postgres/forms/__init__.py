"""The forms of statements whose effects are proven, on the tables they are proven on."""

from __future__ import annotations

from typing import Final

from tests.postgres.forms.keys import KEYS_FORMS, KEYS_SETUP
from tests.postgres.forms.misc import MISC_FORMS, MISC_SETUP
from tests.postgres.forms.partitions import PARTS_FORMS, PARTS_SETUP
from tests.postgres.forms.views import VIEWS_FORMS, VIEWS_SETUP
from tests.postgres.forms.wide_columns import (
    WIDE_ADD_COLUMN,
    WIDE_COLUMNS,
    WIDE_SETUP,
    WIDE_TYPES,
)
from tests.postgres.forms.wide_objects import (
    WIDE_CONSTRAINTS,
    WIDE_INDEXES,
    WIDE_OTHERS,
    WIDE_ROWS,
    WIDE_TABLE,
)
from tests.postgres.proving import Scenario

SCENARIOS: Final = (
    Scenario("add_column", WIDE_SETUP, WIDE_ADD_COLUMN),
    Scenario("columns", WIDE_SETUP, WIDE_COLUMNS),
    Scenario("column_types", WIDE_SETUP, WIDE_TYPES),
    Scenario("constraints", WIDE_SETUP, WIDE_CONSTRAINTS),
    Scenario("indexes", WIDE_SETUP, WIDE_INDEXES),
    Scenario(
        "tables",
        WIDE_SETUP
        + "CREATE SCHEMA archive; CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER"
        + " heap_tableam_handler;",
        WIDE_TABLE,
    ),
    Scenario("others", WIDE_SETUP + "CREATE SCHEMA archive;", WIDE_OTHERS),
    Scenario("rows", WIDE_SETUP, WIDE_ROWS),
    Scenario("keys", KEYS_SETUP, KEYS_FORMS),
    Scenario("partitions", PARTS_SETUP + "CREATE SCHEMA archive;", PARTS_FORMS),
    Scenario("views", VIEWS_SETUP, VIEWS_FORMS),
    Scenario("misc", MISC_SETUP, MISC_FORMS),
)
