"""`manage.py keys`: what each signing key does, when that changes, and which secret opens it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from clients.models import SigningKey
from common.command import NO, WRONG_USE
from common.jws import ALGORITHMS
from provider.keys import registration, rotation
from tests.provider.devices import OPERATOR

pytestmark = pytest.mark.django_db


def keys(*arguments: str) -> tuple[int, Any]:
    out = StringIO()
    try:
        call_command("keys", "--format", "json", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.usefixtures("keys")
def test_each_key_says_what_it_does_and_what_comes_next() -> None:
    SigningKey.objects.update(created_at=timezone.now())  # a process of tests makes them once
    status, answer = keys()
    assert (status, answer["problems"]) == (0, [])
    states = [(one["algorithm"], one["state"]) for one in answer["keys"]]
    assert states == [(name, state) for name in sorted(ALGORITHMS) for state in ("active", "next")]  # of one moment
    assert {one["sealed_under"] for one in answer["keys"]} == {1}
    waiting = next(one for one in answer["keys"] if one["state"] == "next")
    assert waiting["next_change"] == "may sign"
    assert waiting["next_change_at"] > waiting["created_at"]
    out = StringIO()
    call_command("keys", stdout=out)
    assert "opens with the first secret" in out.getvalue()
    assert "private" not in json.dumps(answer)


@pytest.mark.usefixtures("keys")
def test_a_retired_key_is_shown_until_it_leaves_the_jwks() -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=True) as clock:
        before = SigningKey.objects.get(algorithm="ES256", state="active").kid
        rotation.rotate("ES256", OPERATOR)
        shown = {one["kid"]: one for one in keys()[1]["keys"]}
        assert (shown[before]["state"], shown[before]["next_change"]) == ("retired", "leaves the JWKS")
        clock.shift(timedelta(days=400))
        assert before not in {one["kid"] for one in keys()[1]["keys"]}
        assert before in {one["kid"] for one in keys("--all")[1]["keys"]}


@pytest.mark.usefixtures("keys")
def test_a_key_that_is_missing_or_does_not_open_is_a_no(settings: Any) -> None:
    first = settings.IDP_KEY_SECRETS[0]
    settings.IDP_KEY_SECRETS = ["x" * 40, first]
    registration.revoke(SigningKey.objects.get(algorithm="ES256", state="next").kid, OPERATOR)
    status, answer = keys()
    under = {one["sealed_under"] for one in answer["keys"] if one["algorithm"] == "ES256" and one["state"] == "next"}
    assert (status, under) == (0, {1}), "the new one is under the new secret"
    settings.IDP_KEY_SECRETS = ["x" * 40]
    status, answer = keys()
    assert status == NO
    assert (
        "RS256: the active key opens with none of IDP_KEY_SECRETS: add the secret it was sealed under."
        in (answer["problems"])
    )


def test_without_keys_it_says_what_to_run() -> None:
    status, answer = keys()
    assert status == NO
    assert "ES256: there is no active key: run quickstart." in answer["problems"]


@pytest.mark.usefixtures("world")
def test_the_keys_of_a_client_are_public_ones_or_none() -> None:
    assert keys("--client", "web")[1]["keys"] == []
    assert keys("--client", "nobody") == (WRONG_USE, {"error": "There is no client 'nobody'."})
