"""SAML 2.0: there by a redirect, back by a form of another site."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.test import Client as Http

from accounts.models import Group, SignIn, User
from projects.upstream import registration
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from tests.projects.upstream.elsewhere import BY, KEY, Visitor, asked
from tests.projects.upstream.fake import Provider
from tests.projects.upstream.saml_provider import SSO, SamlProvider
from tests.projects.upstream.test_oidc import REQUEST, refused_as, waiting_in
from tests.world import Response

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
ADDRESS = f"/accounts/from/{KEY}/callback"
idp = SamlProvider()


def saml(**more: Any) -> Connector:
    said = {"id": KEY, "name": "Corp", "kind": "saml", "metadata": idp.metadata, **more}
    return registration.register(ConnectorMetadata(**said), BY)


def link(uid: str = "ada") -> None:
    SocialAccount.objects.create(user=User.objects.get(username="owner"), provider=KEY, uid=uid)


def posted(visitor: Visitor, form: dict[str, str]) -> Response:
    """From the page of theirs, without our cookie, and then once more from ours."""
    page = Http().post(ADDRESS, form)
    assert page.status_code == 200, page.content
    assert not page.cookies, "it would take the place of the session that knows the state"
    assert b'name="here"' in page.content
    return visitor.here.post(ADDRESS, {**form, "here": "1"})


def visited(**said: Any) -> Response:
    visitor = Visitor("")
    return posted(visitor, idp.answer(visitor.begin(), **said))


def test_who_is_linked_is_signed_in(world: None) -> None:
    saml()
    link()
    visitor = Visitor("")
    location = visitor.begin(next_url="/accounts/security/")
    assert location.startswith(f"{SSO}?SAMLRequest=")
    assert posted(visitor, idp.answer(location))["Location"] == "/accounts/security/"
    row = SignIn.objects.get()
    assert (row.user.username, row.connector, row.amr, row.acr) == ("owner", KEY, ["federated"], "aal1")


@pytest.mark.parametrize("wants", ["true", "false"])
def test_a_provider_that_wants_it_gets_a_signed_request(world: None, wants: str) -> None:
    """Metadata, section 2.4.3; over the query, in the order of bindings 3.4.4.1."""
    wanting = idp.metadata.replace("<md:IDPSSODescriptor", f'<md:IDPSSODescriptor WantAuthnRequestsSigned="{wants}"')
    row = saml(metadata=wanting)
    said = asked(Visitor("").begin())
    assert ("Signature" in said) is (wants == "true")
    if wants == "true":
        query = urlencode({name: said[name] for name in ("SAMLRequest", "RelayState", "SigAlg")})
        key = x509.load_pem_x509_certificate(row.saml_certificate.encode()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(base64.b64decode(said["Signature"]), query.encode(), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(("wants", "signed"), [("1", True), (" true ", True), ("0", False)])
def test_it_may_want_it_in_any_word_of_xml_schema(world: None, wants: str, signed: bool) -> None:
    wanting = idp.metadata.replace("<md:IDPSSODescriptor", f'<md:IDPSSODescriptor WantAuthnRequestsSigned="{wants}"')
    saml(metadata=wanting)
    assert ("Signature" in asked(Visitor("").begin())) is signed


def test_attributes_groups_and_levels_come_along(world: None) -> None:
    context = "https://refeds.org/profile/mfa"
    saml(
        owns_domains=("people.example",),
        groups_claim="groups",
        attributes={"nickname": "urn:oid:1.2.3"},
        trusts_mfa=True,
        mfa_acr_values=(context,),
    )
    Group.objects.create(name="ADM")
    attributes = {"mail": ["owner@people.example"], "groups": ["adm", "sales"], "urn:oid:1.2.3": ["Ada"]}
    assert visited(attributes=attributes, context=context).status_code == 302
    owner = User.objects.get(username="owner")
    assert owner.attributes["nickname"] == "Ada"
    assert owner.group_members.get().group.name == "ADM"
    assert SignIn.objects.get().acr == "aal2"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"signed": ""}, "not_proved"),
    ({"signed": "response"}, "not_proved"),  # the assertion itself has to be signed
    ({"issuer": "https://evil.example"}, "another_issuer"),
    ({"audience": "https://other.example"}, "not_proved"),
    ({"audience": ""}, "replayed"),
    ({"id": "_another"}, "not_proved"),
    ({"confirmed": "_another"}, "not_proved"),
    ({"confirmed": ""}, "replayed"),
    ({"recipient": "https://other.example/acs"}, "not_proved"),
    ({"recipient": ""}, "replayed"),
    ({"acs": "https://other.example/acs"}, "not_proved"),
    ({"ends": -300, "begins": -600}, "clock"),
    ({"begins": 3600}, "clock"),
    ({"status": "Responder"}, "denied"),
    ({"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "malformed"),
    ({"name": ""}, "malformed"),
]


@pytest.mark.parametrize(("said", "reason"), WRONG, ids=[str(one) for one in range(len(WRONG))])
def test_u1_an_assertion_that_does_not_hold_signs_nobody_in(world: None, said: dict[str, Any], reason: str) -> None:
    saml()
    link()
    answer = visited(**said)
    refused_as(answer, reason, 502 if reason == "malformed" else 403)


def test_u1_a_signature_by_another_key_is_none(world: None) -> None:
    saml()
    link()
    visitor = Visitor("")
    refused_as(posted(visitor, SamlProvider().answer(visitor.begin())), "not_proved", 403)


def test_u1_an_answer_works_once_and_in_its_browser(world: None) -> None:
    saml()
    link()
    visitor = Visitor("")
    form = idp.answer(visitor.begin())
    assert posted(Visitor(""), form).status_code == 400
    assert posted(visitor, form).status_code == 302
    assert posted(visitor, form).status_code == 400


def test_u1_an_answer_for_one_request_is_none_for_another(world: None) -> None:
    """Whoever has an assertion of somebody else cannot put it into a sign-in of their own."""
    saml()
    link()
    theirs, mine = idp.answer(Visitor("").begin()), Visitor("")
    own = idp.answer(mine.begin())
    refused_as(posted(mine, {**own, "SAMLResponse": theirs["SAMLResponse"]}), "not_proved", 403)


ENTITIES = base64.b64encode(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").decode()


@pytest.mark.parametrize("answer", ["", "x", "PHg+", ENTITIES])
def test_what_is_no_answer_ends_on_a_page(world: None, answer: str) -> None:
    saml()
    visitor = Visitor("")
    form = {**idp.answer(visitor.begin()), "SAMLResponse": answer, "here": "1"}
    assert visitor.here.post(ADDRESS, form).status_code in (400, 403, 502)
    assert not SignIn.objects.exists()


def test_a_fresh_sign_in_is_asked_for_and_has_to_say_so(world: None) -> None:
    saml()
    link()
    visitor = Visitor("")
    page = visitor.here.get("/oauth2/authorize", {**REQUEST, "prompt": "login"})
    location = visitor.begin(next_url=waiting_in(page))
    form = idp.answer(location, proved=-3600)
    refused_as(posted(visitor, form), "not_fresh", 403)


def test_metadata_comes_from_an_address(world: None, fake: Provider) -> None:
    fake.documents["/metadata"] = idp.metadata.encode()
    saml(metadata="", metadata_uri=f"{fake.origin}/metadata")
    link()
    assert visited().status_code == 302
    assert [path for path, _form, _headers in fake.asked] == ["/metadata"]


@pytest.mark.parametrize("document", [None, b"<html/>", b"no xml", b"<!DOCTYPE a><a/>"])
def test_metadata_that_is_gone_or_no_metadata_begins_nothing(world: None, fake: Provider, document: Any) -> None:
    fake.documents["/metadata"] = document
    saml(metadata="", metadata_uri=f"{fake.origin}/metadata")
    assert Visitor("").here.post(f"/accounts/from/{KEY}/").status_code in (502, 503)


def test_what_we_are_is_told_to_whoever_sets_it_up(world: None) -> None:
    saml()
    page = Http().get(f"/accounts/from/{KEY}/metadata")
    assert page.status_code == 200
    assert b'entityID="http://localhost:8000/accounts/from/corp/metadata"' in page.content
    assert b'Location="http://localhost:8000/accounts/from/corp/callback"' in page.content
    assert Http().get("/accounts/from/nothing/metadata").status_code == 404


def test_a_server_without_such_a_connector_loads_nothing_that_reads_xml() -> None:
    ask = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'idp.settings'; django.setup();"
        "import idp.urls; print({'lxml', 'xmlsec', 'onelogin', 'ldap'} & set(sys.modules) or 'none')"
    )
    root = Path(__file__).parents[3]
    answer = subprocess.run([sys.executable, "-c", ask], cwd=root, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "none"
