"""What ends a token and what uses it, at the same moment: the end wins, and nobody meets a failure."""

from __future__ import annotations

from collections import Counter

import pytest

from accounts.models import User
from clients.models import Authorization, Client
from provider import facts
from provider.keys import mint
from provider.store import authorizations
from tests.races.racing import ROUNDS, THREADS, race
from tests.world import App

pytestmark = [
    pytest.mark.postgresql,  # SQLite lets one writer in at a time and hides what happens between two
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("world"),
]


def granted(client_id: str) -> str:
    """A refresh token, without a browser."""
    client, token = facts.find_client(client_id), mint.opaque()
    assert client is not None
    authorizations.grant_refresh_token(client, User.objects.get(username="owner"), ("openid", "offline_access"), token)
    return token


def outcomes(answers: list[tuple[int, dict[str, str]]]) -> Counter[str]:
    return Counter("ok" if status == 200 else f"{status} {answer['error']}" for status, answer in answers)


def test_the_successor_used_at_once_by_two_copies_of_an_app_has_one_successor_itself() -> None:
    for _ in range(ROUNDS):
        first = granted("spa")
        (token,) = {App("spa").refresh(first).json()["refresh_token"] for _ in range(2)}
        answers = race(lambda _number: App("spa").refresh(token).json(), 2)  # noqa: B023 - at once
        assert len({answer["refresh_token"] for answer in answers}) == 1
        assert Authorization.objects.latest("created_at").ended_at is None


def test_revoking_and_refreshing_at_once_leaves_nothing_alive() -> None:
    for _ in range(ROUNDS):
        token = granted("spa")

        def work(number: int) -> tuple[int, dict[str, str]]:
            app, form = App("spa"), {"token": token}  # noqa: B023
            response = app.refresh(token) if number else app.post("/oauth2/revoke", form)  # noqa: B023
            return response.status_code, response.json()

        answers = race(work)
        assert set(outcomes(answers)) <= {"ok", "400 invalid_grant"}
        for _status, answer in answers:
            if "access_token" in answer:
                assert App("spa").userinfo(answer["access_token"]).status_code == 401
                assert App("spa").refresh(answer["refresh_token"]).status_code == 400


def test_revoking_the_same_jwt_in_parallel() -> None:
    Client.objects.filter(client_id="service").update(access_token_format="jwt")
    for _ in range(ROUNDS):
        token = App("service").token(grant_type="client_credentials").json()["access_token"]
        form = {"token": token}
        assert race(lambda _number: App("service").post("/oauth2/revoke", form).status_code) == [200] * THREADS  # noqa: B023
        assert App("service").introspect(token).json() == {"active": False}
