"""Nobody is called like a client, and no client like a person: a token of a client's own has its id as `sub`."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from clients import subjects
from clients.metadata import ClientMetadata
from clients.registration import register
from projects.actors import Actor
from projects.problems import RegistrationError
from tests.console import project
from tests.guests import DOCUMENT, make_guest

pytestmark = pytest.mark.usefixtures("console")


@pytest.mark.parametrize("sub", ["1", "Web", "ü/ß?#", "a" * 255])
def test_a_new_person_has_any_sub(sub: str) -> None:
    assert subjects.problem_of_new(sub) == ""


@pytest.mark.parametrize("sub", ["web", "17", "", "a\nb", "a" * 256])
def test_a_new_person_has_a_sub_of_their_own(sub: str) -> None:
    User.objects.create_user("seventeen", sub="17")
    assert subjects.problem_of_new(sub)


def test_a_new_client_is_not_called_like_a_person() -> None:
    User.objects.create_user("seventeen", sub="17")
    wanted = ClientMetadata(client_id="17", redirect_uris=("https://a.example/cb",))
    with pytest.raises(RegistrationError) as error:
        register(wanted, project(), Actor.operator("test"))
    assert [one.field for one in error.value.problems] == ["client_id"]


def test_nor_is_a_guest_whose_document_stands_at_an_address_that_is_somebodys_sub(settings: Any) -> None:
    settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = True
    User.objects.create_user("seventeen", sub=DOCUMENT)
    with pytest.raises(RegistrationError) as error:
        make_guest()
    assert [one.field for one in error.value.problems] == ["client_id"]
