"""What is allowed, used and taken back at the same moment: nothing that was taken back lives on, and nobody fails."""

from __future__ import annotations

import pytest

from accounts.models import User
from clients import remains
from clients.models import Authorization, Client
from projects.models import Consent
from provider import access, facts
from provider.keys import mint
from provider.store import authorizations
from tests.races.racing import ROUNDS, race
from tests.world import App, Browser

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("world"),
]


def owner() -> User:
    return User.objects.get(username="owner")


def granted(client_id: str) -> str:
    client, token = facts.find_client(client_id), mint.opaque()
    assert client is not None
    authorizations.grant_refresh_token(client, owner(), ("openid", "offline_access"), token)
    return token


@pytest.mark.parametrize("few", [remains.FEW, 0])
@pytest.mark.parametrize("client_id", ["spa", "web"])
def test_refreshing_while_everything_is_taken_back_fails_nobody_and_saves_nothing(
    client_id: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rotation and without: tokens kept for an Authorization that is being deleted, or ended because of many."""
    monkeypatch.setattr(remains, "FEW", few)
    for _ in range(ROUNDS):
        token = granted(client_id)

        def work(number: int) -> int:
            if number == 0:
                access.revoke_all(owner(), "acme")
                return 0
            return App(client_id).refresh(token).status_code  # noqa: B023

        assert set(race(work, 4)) <= {0, 200, 400}
        assert App(client_id).refresh(token).status_code == 400
        assert not Authorization.objects.filter(ended_at=None).exists()
        assert Authorization.objects.exists() is (few == 0)


@pytest.mark.parametrize("everything", [True, False])
def test_what_is_taken_back_while_it_is_allowed_again_does_not_outlive_the_removal(everything: bool) -> None:
    """One order or the other: an Authorization with the scope stands on a consent that has it, or there is none."""
    tabs = [Browser("owner") for _ in range(3)]
    for _ in range(ROUNDS):
        tabs[0].code("web", scope="openid email")
        pages = [tab.authorize("web", scope="openid email profile") for tab in tabs]

        def work(number: int) -> int:
            if number < len(tabs):
                return tabs[number].answer(pages[number]).status_code  # noqa: B023
            if everything:
                access.revoke_all(owner(), "acme")
            else:
                access.revoke(owner(), "acme", scope="email")
            return 0

        assert set(race(work, len(tabs) + 1)) == {0, 303}
        live = Authorization.objects.filter(ended_at__isnull=True)
        given = set(Consent.objects.get().scopes) if Consent.objects.exists() else set()
        assert all(set(row.scopes) <= given for row in live)
        assert "email" not in given
        Consent.objects.all().delete()


def test_two_tabs_take_the_same_back_once() -> None:
    for _ in range(ROUNDS):
        Browser("owner").code("web", scope="openid email")

        def work(_number: int) -> bool:
            try:
                access.revoke(owner(), "acme", scope="email")
            except access.NotGranted:
                return False
            return True

        assert sorted(race(work, 3)) == [False, False, True]


def test_first_party_apps_refresh_and_are_signed_out_at_once() -> None:
    Client.objects.filter(client_id="desk").update(rotate_refresh_tokens=False)
    for _ in range(ROUNDS):
        token = Browser("owner").tokens("desk", scope="openid offline_access")["refresh_token"]

        def work(number: int) -> int:
            if number == 0:
                access.revoke_all(owner(), "house")
                return 0
            return App("desk").refresh(token).status_code  # noqa: B023

        assert set(race(work, 4)) <= {0, 200, 400}
        assert App("desk").refresh(token).status_code == 400
