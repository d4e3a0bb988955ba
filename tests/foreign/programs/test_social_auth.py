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


def test_somebody_signs_in_and_their_token_is_refreshed(place: Place, visitor: Visitor) -> None:
    place.register("/complete/oidc/")
    python = environments.python("social_auth")
    with site(python, place, place.recipe("social_auth.py"), *URLS, views=REFRESH):
        visitor.go(f"{place.app}/button?to=/login/oidc/")
        visitor.send()
        shown = visitor.prove_and_allow().json()
        assert visitor.address == f"{place.app}/"
        refreshed = json.loads(visitor.go(f"{place.app}/refresh").text)
    assert shown == {"username": "owner", "email": "owner@people.example", "name": "Olive Owner"}
    assert refreshed == {"uid": str(User.objects.get(username="owner").sub), "fresh": True}
