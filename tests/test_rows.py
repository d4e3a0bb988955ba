"""Tests begin with the rows they ask for, and leave none behind, though both take a short way."""

from __future__ import annotations

from functools import partial

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from clients.models import SigningKey
from idp.configuration import apply
from tests.console import CONSOLE, browser
from tests.plugins.emptying import delete_all
from tests.snapshot import Rows, Snapshot, everything


@pytest.mark.django_db
def test_rows_put_back_are_those_that_were_made() -> None:
    make = Snapshot(partial(apply, CONSOLE, path="console.yaml"))
    seen: list[list[Rows]] = []
    for _ in range(2):
        with transaction.atomic():
            make()
            seen.append(everything())
            transaction.set_rollback(True)
    assert seen[0] == seen[1]
    assert sum(len(one.rows) for one in seen[0]) > 20


@pytest.mark.django_db
def test_rows_that_were_there_before_are_not_put_back(keys: None) -> None:
    make = Snapshot(partial(apply, CONSOLE, path="console.yaml"))
    with transaction.atomic():
        make()
        transaction.set_rollback(True)
    make()
    assert SigningKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_a_test_commits_is_deleted(console: None, keys: None) -> None:
    browser("owner")
    delete_all(None)
    models = apps.get_models(include_auto_created=True)
    assert {one for one in models if one._base_manager.exists()} == {ContentType, Permission}
