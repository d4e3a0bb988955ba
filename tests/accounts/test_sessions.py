"""Sessions are found by what their cookie holds, and the table does not say what that is."""

from __future__ import annotations

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.account.views import INTERNAL_RESET_SESSION_KEY
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.sessions import SessionStore, digest
from tests.accounts.second_steps import PASSWORD, give_password

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", "person@example.com", PASSWORD)


def is_signed_in(client: Client) -> bool:
    return bool(client.get("/").wsgi_request.user.is_authenticated)


def cookie_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def kept() -> list[str]:
    return list(Session.objects.values_list("session_key", flat=True))


def test_what_the_database_holds_signs_nobody_in(client: Client, person: User) -> None:
    give_password(client, person)
    assert is_signed_in(client)
    (row,) = Session.objects.all()
    assert cookie_of(client) not in (row.session_key, row.session_data)
    assert cookie_of(client) not in repr(row.get_decoded())
    for guess in (row.session_key, row.session_key.lower(), row.session_key[:32]):
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = guess
        assert not is_signed_in(thief)
        assert thief.get(reverse("account_email")).status_code == 302
    assert is_signed_in(client)


def test_not_even_a_kept_key_that_a_cookie_could_hold_opens_its_session() -> None:
    """Most digests have a dash, which no cookie of ours has; here is one without, and it is looked up."""
    key = next(one for one in (f"key{number:05}" for number in range(1000)) if digest(one).isalnum())
    session = SessionStore(key)
    session.save(must_create=True)
    session["who"] = "somebody"
    session.save()
    assert SessionStore(key).get("who") == "somebody"
    assert SessionStore(digest(key)).get("who") is None


def test_a_cookie_from_before_keys_were_digests_is_worth_nothing(client: Client, person: User) -> None:
    give_password(client, person)
    key = cookie_of(client)
    Session.objects.update(session_key=key)
    assert not is_signed_in(client)


def test_a_digest_fits_its_column_and_belongs_to_one_key() -> None:
    (column,) = [field for field in Session._meta.get_fields() if field.name == "session_key"]
    assert {len(digest(f"key{number}")) for number in range(100)} == {column.max_length}  # type: ignore[union-attr]
    assert len({digest(f"key{number}") for number in range(100)}) == 100


def test_a_new_key_leaves_no_row_of_the_old_one() -> None:
    session = SessionStore()
    session["who"] = "somebody"
    session.create()
    session["who"] = "somebody"
    session.save()
    old = session.session_key or ""
    session.cycle_key()
    new = session.session_key or ""
    session.save()
    assert old != new
    assert kept() == [digest(new)]
    assert session.exists(new)
    assert not session.exists(old)
    assert SessionStore(new)["who"] == "somebody"


def test_an_emptied_session_leaves_no_row() -> None:
    session = SessionStore()
    session.create()
    session.flush()
    assert kept() == []
    session.delete()
    session.delete("unknown0")


def test_a_session_deleted_meanwhile_is_not_written_again() -> None:
    session = SessionStore()
    session.create()
    SessionStore().delete(session.session_key)
    with pytest.raises(UpdateError):
        session.save()
    assert kept() == []


def test_a_database_that_is_away_is_not_taken_for_a_session_deleted_meanwhile(
    client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That would be a 400, which tells nobody to try again."""
    give_password(client, person)
    make = SessionStore.create_model_instance

    def trouble(**_options: object) -> None:
        raise OperationalError("the disk is full")

    def made(self: SessionStore, data: dict[str, object]) -> AbstractBaseSession:
        row = make(self, data)
        monkeypatch.setattr(row, "save", trouble)
        return row

    monkeypatch.setattr(SessionStore, "create_model_instance", made)
    session = SessionStore(cookie_of(client))
    session["something"] = "new"
    with pytest.raises(OperationalError):
        session.save()


def test_signing_out_leaves_no_row(client: Client, person: User) -> None:
    give_password(client, person)
    signed_in = digest(cookie_of(client))
    assert kept() == [signed_in]
    client.post(reverse("account_logout"))
    assert signed_in not in kept()


def test_the_key_of_a_reset_mail_waits_sealed_for_its_form(client: Client, person: User) -> None:
    key = default_token_generator.make_token(person)
    form = client.get(reverse("account_reset_password_from_key", args=[user_pk_to_url_str(person), key]))["Location"]
    assert client.get(form).status_code == 200
    assert client.get(form).status_code == 200, "as often as it is loaded"
    (row,) = Session.objects.all()
    assert INTERNAL_RESET_SESSION_KEY in row.get_decoded()
    assert key not in repr(row.get_decoded())
    client.post(form, {"password1": "another long phrase", "password2": "another long phrase"})
    person.refresh_from_db()
    assert person.check_password("another long phrase")


def test_a_reset_whose_seal_nobody_can_open_begins_anew(client: Client, person: User) -> None:
    key = default_token_generator.make_token(person)
    form = client.get(reverse("account_reset_password_from_key", args=[user_pk_to_url_str(person), key]))["Location"]
    session = client.session
    session[INTERNAL_RESET_SESSION_KEY] = key
    session.save()
    client.post(form, {"password1": "another long phrase", "password2": "another long phrase"})
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


@async_to_sync
async def _asynchronously() -> tuple[str, str]:
    session = SessionStore()
    await session.aset("who", "somebody")
    await session.acreate()
    await session.aset("who", "somebody")
    await session.asave()
    old = session.session_key or ""
    await session.acycle_key()
    new = session.session_key or ""
    await session.asave()
    assert await session.aexists(new)
    assert not await session.aexists(old)
    assert await SessionStore(new).aget("who") == "somebody"
    return old, new


@pytest.mark.any_database  # on SQLite no browser of another test holds the event loop of this thread
def test_the_asynchronous_twins_keep_digests_as_well() -> None:
    _, new = _asynchronously()
    assert kept() == [digest(new)]
    async_to_sync(SessionStore(new).adelete)()
    assert kept() == []
