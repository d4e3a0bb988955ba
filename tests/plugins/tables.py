"""The database of the tests begins with the tables of one that was migrated before, where that is a file to copy."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import connection

from tests.migrated import GIVEN, copied


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    if connection.vendor != "sqlite":
        connection.settings_dict["TEST"]["TEMPLATE"] = os.environ.get(GIVEN)
        return
    creation: Any = connection.creation
    make = creation._create_test_db

    def made(*arguments: Any, **options: Any) -> str:
        name = str(make(*arguments, **options))
        creation.held = copied(name, uri=True)  # as long as nobody else is connected to what is in memory
        return name

    creation._create_test_db = made
