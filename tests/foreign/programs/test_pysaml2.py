"""pysaml2 as a provider of SAML 2.0, with xmlsec1, and people who sign in by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.test import override_settings

from accounts import groups
from accounts.models import SignIn, User
from projects.actors import Actor
from projects.events import SecurityEvent
from projects.upstream import fetched, registration, saml
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from tests.foreign.apache import free_port
from tests.foreign.programs import environments
from tests.foreign.programs.running import lacks, running
from tests.foreign.programs.visitor import Visitor
from tests.projects.upstream.elsewhere import BY, KEY
from tests.world import WEB_CB

LACKING = lacks("xmlsec1")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]
PROGRAM = Path(__file__).with_name("pysaml2") / "idp.py"
STAFF = "urn:oid:1.3.6.1.4.1.5923.1.1.1.1"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate of its own, as providers of SAML have them."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Corp")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    folder = tmp_path_factory.mktemp("pair")
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    (folder / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return folder / "key.pem", folder / "cert.pem"


class Corp:
    def __init__(self, folder: Path, issuer: str, port: int) -> None:
        self.folder, self.port = folder, port
        self.start = f"{issuer}/accounts/from/{KEY}/?next=/accounts/security/"

    def behave(self, **otherwise: Any) -> None:
        (self.folder / "behave.json").write_text(json.dumps(otherwise))

    def bring_back(self, visitor: Visitor) -> requests.Response:
        """There, and back by the form of its page and the one of ours."""
        visitor.go(self.start)
        visitor.send()
        self.form = visitor.page
        visitor.send()
        return visitor.send()


@pytest.fixture(scope="module")
def program(live_server: Any, pair: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corp]:
    """It runs once for all tests, and knows us by our metadata."""
    folder, port = tmp_path_factory.mktemp("corp"), free_port()
    ours = folder / "ours.xml"
    with override_settings(IDP_ISSUER=live_server.url):
        ours.write_bytes(saml.our_metadata(Connector(key=KEY)))
    command: list[str | Path] = [environments.python("pysaml2"), PROGRAM, str(port), ours, *pair]
    with running(command, folder, port):
        yield Corp(folder, live_server.url, port)


@pytest.fixture
def corp(issuer: str, program: Corp) -> Iterator[Corp]:
    fetched.forget()
    said: dict[str, Any] = {"metadata_uri": f"http://127.0.0.1:{program.port}/metadata", "creates_people": True}
    said |= {"owns_domains": ("corp.example",), "groups_claim": STAFF, "groups": {"staff": "Staff"}}
    registration.register(ConnectorMetadata(id=KEY, name="Corp", kind="saml", **said), BY)
    program.behave()
    yield program
    fetched.forget()


def test_we_are_what_our_metadata_says(corp: Corp, issuer: str) -> None:
    published = requests.get(f"{issuer}/accounts/from/{KEY}/metadata", timeout=30).content
    assert f'entityID="{issuer}/accounts/from/{KEY}/metadata"'.encode() in published


def test_somebody_signs_in_with_what_is_known_there(corp: Corp, visitor: Visitor) -> None:
    staff = groups.make("Staff", Actor.operator("test"))
    page = corp.bring_back(visitor)
    assert (page.status_code, page.url.partition("/accounts/")[2]) == (200, "security/"), page.text
    made = User.objects.get(email="ada@corp.example")
    assert (made.first_name, made.last_name, made.email_verified) == ("Ada", "Away", True)
    assert made.group_members.get().group == staff
    row = SignIn.objects.get(user=made)
    assert (row.connector, row.amr, row.acr) == (KEY, ["federated"], "aal1")


WRONG: dict[str, dict[str, Any]] = {
    "nothing is signed": {"sign_assertion": False},
    "only the response is signed": {"sign_assertion": False, "sign_response": True},
    "signed by SHA-1, as it does unless it is told": {"sign_alg": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"},
    "signed, then changed": {"tampered": {">ada<": ">eve<"}},
    "for somebody else": {"said": {"sp_entity_id": "https://other.example/metadata"}},
    "in answer to another request": {"said": {"in_response_to": "_another"}},
}


@pytest.mark.parametrize("otherwise", WRONG.values(), ids=WRONG)
def test_what_does_not_hold_signs_nobody_in(corp: Corp, visitor: Visitor, otherwise: dict[str, Any]) -> None:
    corp.behave(**otherwise)
    answer = corp.bring_back(visitor)
    assert answer.status_code == 403, answer.text
    assert not SignIn.objects.exists()
    assert SecurityEvent.objects.get(kind="connector.refused").detail["reason"] in ("not_proved", "replayed")


def test_an_answer_works_once(corp: Corp, visitor: Visitor) -> None:
    corp.bring_back(visitor)
    visitor.page = corp.form
    visitor.send()
    assert visitor.send().status_code == 400, "in the same browser"
    stranger = Visitor()
    stranger.page = corp.form
    stranger.send()
    assert stranger.send().status_code == 400, "and in another"
    stranger.hang_up()
    assert SignIn.objects.count() == 1


def test_who_has_no_password_is_asked_there_again(corp: Corp, visitor: Visitor, issuer: str) -> None:
    corp.bring_back(visitor)
    assert (corp.folder / "force_authn").read_text() in ("None", "false")
    query = {"response_type": "code", "client_id": "web", "redirect_uri": WEB_CB, "scope": "openid", "prompt": "login"}
    visitor.go(f"{issuer}/oauth2/authorize?{urlencode(query)}")
    assert "/accounts/linked/confirm/" in visitor.address
    visitor.send(by=KEY)
    assert (corp.folder / "force_authn").read_text() == "true"
    visitor.send()
    assert 'name="decision"' in visitor.send().text, "the consent page of the app that asked"


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_who_signs_out_there_is_signed_out_here_and_it_hears_of_it(corp: Corp, visitor: Visitor, binding: str) -> None:
    corp.bring_back(visitor)
    assert SignIn.objects.get().ended_at is None
    visitor.go(f"http://127.0.0.1:{corp.port}/sign_out?binding={binding}")
    if binding == "post":
        visitor.send()
    assert (visitor.page.status_code, visitor.page.text) == (200, "Signed out everywhere.")
    assert SignIn.objects.get().ended_at is not None
    assert (corp.folder / "signed_out").read_text().endswith(" True")
