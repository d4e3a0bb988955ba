"""The database of the tests begins with the tables of one that was migrated before, where that is a file to copy.

On SQLite it is a file, too. One in memory has a single connection for the test and for the server beside it, and two
threads of one connection wait for each other for ever: one holds SQLite's lock and needs Python's for a function of
Django's, the other holds Python's and needs SQLite's.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import connection

from tests.migrated import GIVEN, copy


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if connection.vendor != "sqlite":
        connection.settings_dict["TEST"]["TEMPLATE"] = os.environ.get(GIVEN)
        return
    connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "tests.sqlite3")
    creation: Any = connection.creation
    make = creation._create_test_db

    def made(*arguments: Any, **options: Any) -> str:
        name = str(make(*arguments, **options))
        copy(name)
        return name

    creation._create_test_db = made
