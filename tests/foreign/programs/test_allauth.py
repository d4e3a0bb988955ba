"""django-allauth as a relying party: its provider `openid_connect`."""

from __future__ import annotations

import sqlite3

import pytest

from accounts.models import User
from tests.foreign.programs import environments
from tests.foreign.programs.django_site import site
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.visitor import Visitor

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]
URLS = 'path("accounts/", include("allauth.urls"))'
START = "/accounts/oidc/vestibule/login/"


def test_somebody_signs_in_with_a_verified_address_and_without_a_sign_up_form(place: Place, visitor: Visitor) -> None:
    place.register(f"{START}callback/")
    with site(environments.python("allauth"), place, place.recipe("allauth.py"), URLS):
        visitor.go(f"{place.app}{START}")
        visitor.send()
        shown = visitor.prove_and_allow().json()
        assert visitor.address == f"{place.app}/"
        visitor.http.cookies.clear()
        visitor.go(f"{place.app}{START}")
        visitor.send()
        assert visitor.prove_and_allow().json() == shown, "the same account the second time"
    assert shown == {"username": "owner", "email": "owner@people.example", "name": "Olive Owner"}
    with sqlite3.connect(place.folder / "db.sqlite3") as theirs:
        assert theirs.execute("SELECT email, verified FROM account_emailaddress").fetchall() == [
            ("owner@people.example", 1)
        ]
        ((sub,),) = theirs.execute("SELECT uid FROM socialaccount_socialaccount").fetchall()
    assert sub == str(User.objects.get(username="owner").sub)
