"""What the statements that decide ask of a row, one condition after the other; races are in tests/races.

Each is asked about one row among others like it, and must find that one alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from clients.models import Authorization, Grant, RefreshToken, RevokedToken
from common.sql import Guard, Insert, refers_to_nothing, write
from provider.keys.mint import digest
from provider.store import statements
from tests.world import App, Browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]
Change = Callable[[Authorization], Any]
SECOND = timedelta(seconds=1)


@pytest.fixture
def others() -> list[Authorization]:
    """What stays as it is: another person's authorization of the same client, and one more of the same person."""
    Browser("member").tokens("desk", scope="openid offline_access")
    Browser("owner").tokens("desk", scope="openid offline_access")
    return list(Authorization.objects.all())


@pytest.fixture
def row(others: list[Authorization]) -> Authorization:
    """An authorization whose second generation began just now."""
    token = Browser("owner").tokens("desk", scope="openid offline_access")["refresh_token"]
    for _ in range(2):
        assert App("desk").refresh(token).status_code == 200
    found = Authorization.objects.exclude(pk__in=[one.pk for one in others]).get()
    assert (found.generation, found.rotated_from) == (1, digest(token))
    return found


def change(**values: Any) -> Change:
    return lambda row: Authorization.objects.filter(pk=row.pk).update(**values)


def nothing(row: Authorization) -> None:
    pass


def end(row: Authorization) -> None:
    change(ended_at=timezone.now(), ended_because="revoked")(row)


def allowed(guard: Guard, others: list[Authorization]) -> bool:
    """Whether the guard found its row. It never touches another one."""
    done = write([], guard)
    for one in others:
        now = Authorization.objects.get(pk=one.pk)
        assert (now.generation, now.seed, now.rotated_from) == (one.generation, one.seed, one.rotated_from)
    return done


@pytest.mark.parametrize(("before", "fits"), [(nothing, True), (end, False), (change(generation=2), False)])
def test_a_generation_is_used_first_while_it_is_the_current_one(
    row: Authorization, others: list[Authorization], before: Change, fits: bool
) -> None:
    before(row)
    assert allowed(statements.rotate(row.pk, "used now", 1, "the next seed"), others) is fits
    now = Authorization.objects.get(pk=row.pk)
    assert (now.rotated_from == "used now") is fits
    if fits:
        assert (now.generation, now.seed_before, now.seed) == (2, row.seed, "the next seed")


@pytest.mark.parametrize("wrong", [timedelta(0), timedelta(hours=5), timedelta(hours=-5)])
def test_how_long_ago_a_rotation_was_is_told_by_the_clock_of_the_database(row: Authorization, wrong: timedelta) -> None:
    with time_machine.travel(timezone.now() + wrong):
        found = statements.authorization(row.pk)
    assert found is not None
    assert found.rotated_seconds_ago is not None
    assert -1 < found.rotated_seconds_ago < 60
    change(rotated_at=F("rotated_at") - timedelta(days=1))(row)
    found = statements.authorization(row.pk)
    assert found is not None
    assert found.rotated_seconds_ago is not None
    assert 86_399 < found.rotated_seconds_ago < 86_460


def test_a_code_is_used_once_and_no_other_with_it() -> None:
    Browser("owner").code("desk")
    Browser("owner").code("desk")
    code, other = Grant.objects.order_by("created")
    assert write([], statements.use_code(code.digest, code.authorization_id, timezone.now()))
    assert not write([], statements.use_code(code.digest, code.authorization_id, timezone.now()))
    assert Grant.objects.get(pk=other.pk).used_at is None


@pytest.mark.parametrize(
    ("tokens", "has"),
    [
        ({}, True),
        ({"expires": timezone.now() + timedelta(days=1)}, True),
        ({"expires": timezone.now() - SECOND}, False),
        ({"generation": 0}, False),
        ({"generation": 2}, False),
    ],
)
def test_a_refresh_token_of_its_own_that_still_works_makes_access_last(
    row: Authorization, tokens: dict[str, Any], has: bool
) -> None:
    mine = RefreshToken.objects.filter(authorization=row)
    mine.exclude(generation=1).delete()
    mine.update(**({"expires": None} | tokens))
    assert statements.has_refresh_token(row.pk, timezone.now()) is has


def test_nobody_elses_refresh_token_makes_access_last(row: Authorization) -> None:
    RefreshToken.objects.filter(authorization=row).delete()
    assert RefreshToken.objects.exists()
    assert not statements.has_refresh_token(row.pk, timezone.now())


def test_a_jwt_that_was_revoked_denies_no_other() -> None:
    revoked, other = str(uuid.uuid4()), str(uuid.uuid4())
    RevokedToken.objects.create(jti=revoked, expires=timezone.now() + timedelta(hours=1))
    assert statements.denied(revoked)
    assert not statements.denied(other)


@pytest.mark.django_db(transaction=True)
def test_only_a_row_whose_authorization_is_gone_is_the_fault_of_what_was_presented() -> None:
    """Whatever else the database refuses, no app throws its refresh token away for."""
    behind = Grant.objects.get(pk=digest(Browser("owner").code("web"))).authorization_id

    def token(authorization_id: uuid.UUID) -> Insert:
        kept, now = digest("new"), timezone.now()
        return statements.new_refresh_token(
            digest=kept, authorization_id=authorization_id, generation=0, created=now, expires=None, cnf="{}"
        )

    for rows, gone in [([token(uuid.uuid4())], True), ([token(behind), token(behind)], False)]:
        with pytest.raises(IntegrityError) as raised:
            write(rows)
        assert refers_to_nothing(raised.value) is gone


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_kept_whole_leaves_nothing_behind() -> None:
    """Whoever meets a fault half-way finds the code as it was, and not one of the rows."""
    code, now = digest(Browser("owner").code("web")), timezone.now()
    behind = Grant.objects.get(pk=code).authorization_id
    row = statements.new_refresh_token(
        digest=digest("new"),
        authorization_id=behind,
        generation=0,
        created=now,
        expires=None,
    )
    with pytest.raises(IntegrityError):
        write([row, row], statements.use_code(code, behind, now))
    assert Grant.objects.get(pk=code).used_at is None
    assert not RefreshToken.objects.exists()
