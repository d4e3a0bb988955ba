"""Signing in at any OpenID provider: this product as both sides, over HTTP."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.test import Client as Http

from accounts.models import AccountEvent, SignIn, User
from tests.projects.upstream.elsewhere import KEY, Visitor, asked, connector
from tests.world import App, Browser, claims_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_owner_of_a_domain_signs_its_people_in_and_nothing_of_theirs_is_kept(issuer: str) -> None:
    connector(issuer, owns_domains=("people.example",))
    answer = Visitor("owner").sign_in(next_url="/accounts/security/")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/security/"
    row = SignIn.objects.get(connector=KEY)
    assert (row.user.username, row.amr, row.acr) == ("owner", ["federated"], "aal1")
    linked = SocialAccount.objects.get()
    assert (linked.provider, linked.uid, linked.extra_data) == (KEY, row.user.sub, {})
    assert not SocialToken.objects.exists()
    assert not SocialApp.objects.exists()
    assert AccountEvent.objects.filter(sub=row.user.sub, kind="upstream.linked").exists()


def test_an_app_that_waits_gets_its_code_and_hears_how_its_person_came(issuer: str) -> None:
    """The whole way: an app, this provider, the one elsewhere, and back again."""
    connector(issuer, owns_domains=("people.example",))
    visitor, app = Visitor("owner"), Browser(http=Http(SERVER_NAME="localhost"))
    visitor.here = app.http
    page = app.authorize("desk", scope="openid email", max_age="3600", redirect_uri="https://desk.house.example/cb")
    next_url = parse_qs(urlsplit(page["Location"]).query)["next"][0]
    location = visitor.begin(next_url=next_url)
    assert asked(location)["max_age"] == "3600"
    answer = visitor.back(visitor.there(location))
    code = parse_qs(urlsplit(app.http.get(answer["Location"])["Location"]).query)["code"][0]
    claims = claims_of(App("desk").exchange(code).json()["id_token"])
    assert (claims["amr"], claims["acr"]) == (["federated"], "aal1")
    assert claims["sub"] == User.objects.get(username="owner").sub


def test_somebody_new_is_created_without_an_address_that_nobody_vouches_for(issuer: str, settings: object) -> None:
    settings.IDP_SIGNUP_OPEN = True  # type: ignore[attr-defined]
    connector(issuer, creates_people=True)
    people = User.objects.count()
    assert Visitor("owner").sign_in().status_code == 302
    made = User.objects.latest("pk")
    assert (User.objects.count(), made.email, made.first_name) == (people + 1, "", "Olive")
    assert not EmailAddress.objects.filter(user=made).exists()
    assert not made.has_usable_password()
    assert Visitor("owner").sign_in().status_code == 302
    assert User.objects.count() == people + 1, "the second time it is the same person"
