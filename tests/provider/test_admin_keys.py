from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.test import Client as Http

from accounts.models import User
from clients.models import SecurityEvent, SigningKey
from clients.models.keys import KeyState
from provider.keys import keyring
from tests.console import browser, page
from tests.world import Response

pytestmark = pytest.mark.usefixtures("console", "keys")
LIST = "clients_signingkey_changelist"


def key(state: KeyState, algorithm: str = "ES256") -> SigningKey:
    return SigningKey.objects.get(state=state, algorithm=algorithm)


def make(http: Http, algorithm: str = "ES256") -> Any:
    return http.post(page("clients_signingkey_make"), {"algorithm": algorithm}, follow=True)


def revoke(http: Http, kid: str) -> Any:
    return http.post(page("clients_signingkey_revoke", kid), follow=True)


def activate(http: Http, kid: str) -> Any:
    return http.post(page("clients_signingkey_activate", kid), follow=True)


def text(response: Response) -> str:
    return response.content.decode()


def test_a_superuser_sees_every_key_and_no_private_part() -> None:
    http = browser("root")
    listed = text(http.get(page(LIST)))
    for one in SigningKey.objects.all():
        assert one.kid in listed
        shown = text(http.get(page("clients_signingkey_change", one.kid)))
        for part in (one.private_jwk, keyring.decrypt(one.private_jwk)):
            assert part not in shown + listed
        private = {name for name in ("d", "p", "q") if f"&quot;{name}&quot;:" in shown}
        assert not private


def test_a_key_moves_from_next_to_active_and_the_active_one_retires() -> None:
    http = browser("root")
    old, new = key(KeyState.ACTIVE), key(KeyState.NEXT)
    asked = http.get(page("clients_signingkey_activate", new.kid))
    assert "It was published" in text(asked)
    assert key(KeyState.NEXT) == new
    assert "signs from now on" in text(activate(http, new.kid))
    assert key(KeyState.ACTIVE) == new
    old.refresh_from_db()
    assert old.state == KeyState.RETIRED
    event = SecurityEvent.objects.latest("pk")
    assert (event.kind, event.detail["kid"]) == ("key.activated", new.kid)
    assert event.sub == str(User.objects.get(username="root").sub)
    assert LogEntry.objects.latest("pk").object_id == new.kid


def test_a_key_that_cannot_be_opened_does_not_sign(settings: Any) -> None:
    settings.IDP_KEY_SECRETS = ["another secret than the keys were sealed with"]
    waiting = key(KeyState.NEXT)
    assert "does not hold the secret it was sealed with" in text(activate(browser("root"), waiting.kid))
    assert key(KeyState.NEXT) == waiting


def test_a_key_that_other_servers_may_lack_the_secret_of_does_not_sign(settings: Any) -> None:
    """This server was restarted with a new secret, and made a key. The others could not sign with it."""
    http = browser("root")
    activate(http, key(KeyState.NEXT).kid)
    settings.IDP_KEY_SECRETS = ["n" * 40, *settings.IDP_KEY_SECRETS]
    make(http)
    waiting = key(KeyState.NEXT)
    assert "rotatekeys --servers-restarted" in text(activate(http, waiting.kid))
    assert key(KeyState.NEXT) == waiting
    settings.IDP_KEY_SECRETS = settings.IDP_KEY_SECRETS[:1]
    assert "signs from now on" in text(activate(http, waiting.kid)), "the key that signs is lost here"


def test_the_next_key_is_made_where_there_is_none() -> None:
    http = browser("root")
    assert "Make the next ES256 key" not in text(http.get(page(LIST)))
    activate(http, key(KeyState.NEXT).kid)
    assert "Make the next ES256 key" in text(http.get(page(LIST)))
    assert "made and published" in text(make(http))
    assert key(KeyState.NEXT)
    assert SecurityEvent.objects.latest("pk").kind == "key.made"


def test_a_second_next_key_is_refused_in_plain_words() -> None:
    count = SigningKey.objects.count()
    assert "has a next key already" in text(make(browser("root")))
    assert SigningKey.objects.count() == count
    assert not SecurityEvent.objects.filter(kind="key.made").exists()


@pytest.mark.parametrize("beginning", ["a-a", "a_a"])  # which the console would write as a_5Fa
def test_a_superuser_revokes_a_key_after_being_asked(beginning: str) -> None:
    http = browser("root")
    kid = key(KeyState.ACTIVE).kid
    SigningKey.objects.filter(kid=kid).update(kid=f"{beginning}{kid[3:]}")
    old, new = key(KeyState.ACTIVE), key(KeyState.NEXT)
    address = page("clients_signingkey_revoke", old.kid)
    shown = page("clients_signingkey_change", quote(old.kid))
    assert address in text(http.get(shown))
    assert "cannot be undone" in text(http.get(address))
    assert key(KeyState.ACTIVE) == old
    assert "Nothing it signed is believed any more" in text(revoke(http, old.kid))
    assert (key(KeyState.REVOKED), key(KeyState.ACTIVE)) == (old, new)
    event = SecurityEvent.objects.get(kind="key.revoked")
    assert event.detail["kid"] == old.kid
    assert event.sub == str(User.objects.get(username="root").sub)
    assert LogEntry.objects.latest("pk").object_id == old.kid
    assert address not in text(http.get(shown))


def test_a_key_is_revoked_once() -> None:
    http = browser("root")
    kid = key(KeyState.ACTIVE).kid
    revoke(http, kid)
    for one in (kid, "missing"):
        assert http.get(page("clients_signingkey_revoke", one)).status_code == 404
        assert "no such key, or it is revoked" in text(revoke(http, one))


def test_a_key_is_not_revoked_when_the_next_one_could_not_sign(settings: Any) -> None:
    settings.IDP_KEY_SECRETS = ["another secret than the keys were sealed with"]
    signs = key(KeyState.ACTIVE)
    assert "does not hold the secret it was sealed with" in text(revoke(browser("root"), signs.kid))
    assert key(KeyState.ACTIVE) == signs


def test_only_a_next_key_is_activated() -> None:
    http = browser("root")
    active, waiting = key(KeyState.ACTIVE), key(KeyState.NEXT)
    activate(http, waiting.kid)
    for kid in (active.kid, waiting.kid, "missing"):
        assert http.get(page("clients_signingkey_activate", kid)).status_code == 404
        assert "is not waiting" in text(activate(http, kid))
    assert key(KeyState.ACTIVE) == waiting


@pytest.mark.parametrize("username", ["owner", "editor", "viewer", "nobody"])
def test_nobody_else_sees_or_turns_a_key(username: str) -> None:
    http = browser(username)
    waiting = key(KeyState.NEXT)
    addresses = [
        page(LIST),
        page("clients_signingkey_change", waiting.kid),
        page("clients_signingkey_history", waiting.kid),
        page("clients_signingkey_activate", waiting.kid),
        page("clients_signingkey_revoke", waiting.kid),
    ]
    assert [http.get(one).status_code for one in addresses] == [403] * 5
    SigningKey.objects.filter(algorithm="RS256", state=KeyState.NEXT).delete()
    assert make(http, "RS256").status_code == 403
    assert activate(http, waiting.kid).status_code == 403
    assert revoke(http, waiting.kid).status_code == 403
    assert key(KeyState.NEXT) == waiting
    assert "signing key" not in text(http.get(page("index"))).lower()


def test_keys_are_not_added_changed_or_deleted_by_hand() -> None:
    http = browser("root")
    kid = key(KeyState.ACTIVE).kid
    assert http.get(page("clients_signingkey_add")).status_code == 403
    assert http.post(page("clients_signingkey_change", kid), {"state": "retired"}).status_code == 403
    assert http.post(page("clients_signingkey_delete", kid), {"post": "yes"}).status_code == 403
    assert key(KeyState.ACTIVE).kid == kid


def test_turning_keys_needs_a_form_and_its_token() -> None:
    http = Http(enforce_csrf_checks=True)
    http.force_login(User.objects.get(username="root"))
    waiting = key(KeyState.NEXT)
    assert http.post(page("clients_signingkey_activate", waiting.kid)).status_code == 403
    assert http.post(page("clients_signingkey_revoke", waiting.kid)).status_code == 403
    assert http.post(page("clients_signingkey_make"), {"algorithm": "ES256"}).status_code == 403
    assert http.get(page("clients_signingkey_make")).status_code == 405
    assert key(KeyState.NEXT) == waiting


@pytest.mark.parametrize("algorithm", ["", "HS256", "none", "\0", "x" * 10_000])
def test_an_unknown_algorithm_is_refused(algorithm: str) -> None:
    assert make(browser("root"), algorithm).status_code == 400


def test_encrypted_parts_cannot_be_guessed_through_filters() -> None:
    for lookup in ("private_jwk__startswith", "public_jwk__kid", "state"):
        assert browser("root").get(page(LIST), {lookup: "g"}).status_code == 400
