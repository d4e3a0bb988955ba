"""What the first migration makes beside what models say; the triggers have their tests with the cache."""

from __future__ import annotations

import pytest
from django.db import connection


@pytest.mark.postgresql
@pytest.mark.django_db
def test_no_token_is_indexed_a_second_time_for_searches_by_its_beginning() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_indexes WHERE indexname LIKE %s", [r"clients\_%\_like"])
        tables = {table for (table,) in cursor.fetchall()}
    assert "clients_client" in tables, "as Django does it"
    assert tables & {f"clients_{name}" for name in ("accesstoken", "grant", "refreshtoken", "revokedtoken")} == set()
