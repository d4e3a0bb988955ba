"""social-auth-app-django with its own OpenID Connect backend: signing in, and refreshing."""

from __future__ import annotations

import json

import pytest

from accounts.models import User
from tests.foreign.programs import environments
from tests.foreign.programs.django_site import site
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.visitor import Visitor

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]
URLS = ('path("", include("social_django.urls"))', 'path("refresh", refresh)')
REFRESH = """
def refresh(request):
    from social_django.utils import load_strategy
    known = request.user.social_auth.get(provider="oidc")
    before = known.extra_data["access_token"]
    known.refresh_token(load_strategy(request))
    return JsonResponse({"uid": known.uid, "fresh": known.extra_data["access_token"] != before})
"""


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        pytest.param("openid profile email offline_access", "Olive Owner", id="as documented"),
        pytest.param("openid email offline_access", "", id="asking for more than was registered"),
    ],
)
def test_somebody_signs_in_and_their_token_is_refreshed(place: Place, visitor: Visitor, scope: str, name: str) -> None:
    place.register("/complete/oidc/", scope=scope)
    python = environments.python("social_auth")
    with site(python, place, place.recipe("social_auth.py"), *URLS, views=REFRESH):
        visitor.go(f"{place.app}/button?to=/login/oidc/")
        visitor.send()
        assert visitor.asked_to_sign_in()
        shown = visitor.prove_and_allow().json()
        assert visitor.address == f"{place.app}/"
        refreshed = json.loads(visitor.go(f"{place.app}/refresh").text)
    assert (shown["email"], shown["name"]) == ("owner@people.example", name)
    assert refreshed == {"uid": str(User.objects.get(username="owner").sub), "fresh": True}
