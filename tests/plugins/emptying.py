"""After a test that commits, its rows are deleted: what Django does instead takes PostgreSQL a second each time.

Django truncates every table, which makes files anew however few rows there were, and then works out all content types
and permissions again. Those are the same after every test, so they stay.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = frozenset({ContentType, Permission})


def delete_all(_case: Any) -> None:
    """Every row of every table but those; foreign keys are checked at the end, in whatever order rows go."""
    models = [one for one in apps.get_models(include_auto_created=True) if one not in KEPT and one._meta.managed]
    tables = {one._meta.db_table for one in models if not one._meta.proxy}
    with transaction.atomic(), connection.cursor() as cursor:
        each = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in sorted(tables)]  # noqa: S608  # no value
        for statement in [";".join(each)] if connection.vendor == "postgresql" else each:
            cursor.execute(statement)


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> None:
    TransactionTestCase._fixture_teardown = delete_all  # type: ignore[attr-defined]
