"""A provider of SAML 2.0 says that somebody signed out there (Single Logout), by a redirect or by a form."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.test import Client as Http
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from accounts.models import AccountEvent, SignIn, User
from projects.upstream import logout, registration
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from tests.projects.upstream.elsewhere import BY, KEY, Visitor, asked
from tests.projects.upstream.saml_provider import ENTITY, RSA_SHA1, RSA_SHA256, SLO, SamlProvider, stamp
from tests.projects.upstream.test_saml import posted
from tests.world import Browser, Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ADDRESS = f"/accounts/from/{KEY}/logout"
HERE = f"http://localhost:8000{ADDRESS}"
idp = SamlProvider()
Tell = Callable[..., Response]


@pytest.fixture
def linked(world: None) -> Connector:
    SocialAccount.objects.create(user=User.objects.get(username="owner"), provider=KEY, uid="ada")
    said = ConnectorMetadata(id=KEY, name="Corp", kind="saml", metadata=idp.metadata)
    return registration.register(said, BY)


def come(session: str = "s-1") -> Visitor:
    visitor = Visitor("")
    assert posted(visitor, idp.answer(visitor.begin(), session=session)).status_code == 302
    return visitor


def by_redirect(**said: Any) -> Response:
    return Http(enforce_csrf_checks=True).get(f"{ADDRESS}?{idp.query(idp.logout(HERE, **said), 'state')}")


def by_form(**said: Any) -> Response:
    return Http(enforce_csrf_checks=True).post(ADDRESS, idp.form(idp.logout(HERE, **said)))


def live() -> int:
    return SignIn.objects.filter(ended_at=None).count()


BOTH = pytest.mark.parametrize("tell", [by_redirect, by_form])


@BOTH
def test_who_signed_out_there_is_signed_out_here_and_they_are_answered(linked: Connector, tell: Tell) -> None:
    visitor = come()
    answer = tell()
    assert answer.status_code == 302
    assert "no-store" in answer["Cache-Control"]
    assert answer["Location"].startswith(f"{SLO}?SAMLResponse=")
    said = asked(answer["Location"])
    assert said["RelayState"] == "state"
    document = etree.fromstring(zlib.decompress(base64.b64decode(said["SAMLResponse"]), -15))
    assert (document.get("InResponseTo"), document.get("Destination")) == ("_l1", SLO)
    assert b"urn:oasis:names:tc:SAML:2.0:status:Success" in etree.tostring(document)
    assert (live(), visitor.here.get("/accounts/security/").status_code) == (0, 302)
    event = AccountEvent.objects.get(kind="upstream.signed_out")
    assert (event.sub, event.detail) == (User.objects.get(username="owner").sub, {"connector": KEY})


def test_our_answer_is_signed_by_the_key_that_our_metadata_shows(linked: Connector) -> None:
    """Profiles, section 4.4.4.2: over the query as it is sent, in the order that bindings 3.4.4.1 names."""
    come()
    location = by_redirect()["Location"]
    said = asked(location)
    assert said["SigAlg"] == RSA_SHA256
    query = urlencode({name: said[name] for name in ("SAMLResponse", "RelayState", "SigAlg")})
    signature = base64.b64decode(said["Signature"])
    page = etree.fromstring(Http().get(f"/accounts/from/{KEY}/metadata").content)
    (certificate,) = page.iter("{http://www.w3.org/2000/09/xmldsig#}X509Certificate")
    key = x509.load_der_x509_certificate(base64.b64decode(certificate.text)).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, query.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert "PRIVATE" not in Connector.objects.get().saml_key, "sealed"


@pytest.mark.parametrize("kept", ["", "sealed by nobody"])
def test_without_a_key_that_opens_it_ends_all_the_same(linked: Connector, kept: str) -> None:
    come()
    Connector.objects.update(saml_key=kept)
    assert ("Signature" in asked(by_redirect()["Location"]), live()) == (False, 0)


def test_one_session_there_is_one_session_here_and_no_session_all_of_them(linked: Connector) -> None:
    for session in ("s-1", "s-2", "s-3", "s-4"):
        come(session)
    Browser("owner")
    assert by_redirect(sessions=["s-1", "s-2"]).status_code == 302
    assert live() == 3
    assert by_redirect(sessions=["unknown"]).status_code == 302
    assert live() == 3
    assert by_redirect(sessions=[]).status_code == 302
    assert [row.connector for row in SignIn.objects.filter(ended_at=None)] == [""], "who came another way stays"


def test_of_another_person_nothing_ends(linked: Connector) -> None:
    come()
    assert by_redirect(name="bob").status_code == 302
    assert live() == 1


def test_where_nobody_takes_an_answer_none_is_given(linked: Connector) -> None:
    Connector.objects.update(metadata=idp.metadata.replace(idp.logs_out, ""))
    come()
    answer = by_redirect()
    assert (answer.status_code, answer.content, live()) == (200, b"", 0)


WRONG: list[dict[str, Any]] = [
    {"issuer": "https://evil.example"},
    {"to": "https://other.example/logout"},
    {"to": f"{HERE}/more"},
    {"to": ""},
    {"at": stamp(-3600)},
    {"at": stamp(86_400)},
    {"at": "now"},
    {"ends": stamp(-3600)},
    {"name": ""},
    {"sessions": [""]},
    {"sessions": ["x"] * 101},
]


@BOTH
@pytest.mark.parametrize("said", WRONG, ids=[str(one) for one in range(len(WRONG))])
def test_a_request_that_does_not_hold_ends_nothing(linked: Connector, tell: Tell, said: dict[str, Any]) -> None:
    come()
    answer = tell(**said)
    assert (answer.status_code, answer.json()["error"], live()) == (400, "invalid_request", 1)


def unsigned(_idp: SamlProvider) -> str:
    return idp.query(idp.logout(HERE)).partition("&SigAlg")[0]


def signed_by_another(other: SamlProvider) -> str:
    return other.query(other.logout(HERE))


def signed_weakly(_other: SamlProvider) -> str:
    return idp.query(idp.logout(HERE), algorithm=RSA_SHA1)


def of_another_request(_other: SamlProvider) -> str:
    mine, other = idp.query(idp.logout(HERE)), idp.query(idp.logout(HERE, name="bob"))
    return other.partition("&SigAlg")[0] + "&SigAlg" + mine.partition("&SigAlg")[2]


def said_twice(_other: SamlProvider) -> str:
    return idp.query(idp.logout(HERE, name="bob")) + "&" + idp.query(idp.logout(HERE)).partition("&")[0]


@pytest.mark.parametrize("query", [unsigned, signed_by_another, signed_weakly, of_another_request, said_twice])
def test_a_redirect_is_signed_as_a_whole(linked: Connector, query: Callable[[SamlProvider], str]) -> None:
    come()
    assert (Http().get(f"{ADDRESS}?{query(SamlProvider())}").status_code, live()) == (400, 1)


def no_signature(root: Any) -> None:
    root.remove(root.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))


def another_name(root: Any) -> None:
    root.find("{urn:oasis:names:tc:SAML:2.0:assertion}NameID").text = "bob"


def another_reference(root: Any) -> None:
    next(root.iter("{http://www.w3.org/2000/09/xmldsig#}Reference")).set("URI", "")


def wrapped(root: Any) -> None:
    """What was signed goes along, and somebody else is in front of it."""
    signature = root.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    inside = etree.fromstring(etree.tostring(root))
    inside.remove(inside.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    holder = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    holder.append(inside)
    root.set("ID", "_other")
    another_name(root)


@pytest.mark.parametrize("change", [no_signature, another_name, another_reference, wrapped])
def test_of_a_form_what_is_signed_is_what_is_read(linked: Connector, change: Callable[[Any], None]) -> None:
    SocialAccount.objects.create(user=User.objects.get(username="member"), provider=KEY, uid="bob")
    come()
    answer = Http().post(ADDRESS, idp.form(idp.logout(HERE), change))
    assert (answer.status_code, live()) == (400, 1)


def test_a_form_that_another_signed_ends_nothing(linked: Connector) -> None:
    come()
    other = SamlProvider()
    assert (Http().post(ADDRESS, other.form(other.logout(HERE))).status_code, live()) == (400, 1)


def test_an_answer_of_theirs_is_none(linked: Connector) -> None:
    form = idp.form(idp.logout(HERE))
    assert Http().post(ADDRESS, {"SAMLResponse": form["SAMLRequest"]}).status_code == 400


def test_what_unpacks_to_very_much_is_not_unpacked(linked: Connector) -> None:
    query = idp.query(idp.logout(HERE, name="x" * 100_000))
    assert len(query) < 10_000
    answer = Http().get(f"{ADDRESS}?{query}")
    assert (answer.status_code, answer.json()["error_description"]) == (400, "SAMLRequest is too long.")


def test_one_at_a_time_waits_for_metadata(linked: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logout, "PATIENCE", 0.01)
    with logout.alone(KEY):
        assert by_redirect().status_code == 400
    assert by_redirect().status_code == 302


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.text(max_size=60) | st.binary(max_size=60).map(lambda one: base64.b64encode(one).decode()))
def test_whatever_is_sent_is_no_failure(linked: Connector, sent: str) -> None:
    assert Http().get(ADDRESS, {"SAMLRequest": sent, "SigAlg": "x", "Signature": sent}).status_code == 400
    assert Http().post(ADDRESS, {"SAMLRequest": sent}).status_code == 400


def test_our_metadata_say_where_they_are_sent(linked: Connector) -> None:
    page = Http().get(f"/accounts/from/{KEY}/metadata").content.decode()
    assert f'Location="{HERE}"' in page
    assert ENTITY not in page
