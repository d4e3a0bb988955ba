"""The key of a connector of SAML can be ended at any time: by a new one."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.test import Client as Http
from django.utils import timezone

from projects.events import SecurityEvent
from projects.upstream import registration
from projects.upstream.connectors import saml_key_of
from projects.upstream.metadata import ConnectorMetadata
from projects.upstream.models import Connector
from tests.console import browser, page, send
from tests.projects.upstream.elsewhere import BY, KEY
from tests.projects.upstream.saml_provider import SamlProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("console")]


def connector(kind: str) -> Connector:
    of_saml = ConnectorMetadata(id=KEY, name="Corp", kind="saml", metadata=SamlProvider().metadata)
    other = ConnectorMetadata(id=KEY, name="Corp", issuer="https://login.corp.example", client_id="us")
    return registration.register(of_saml if kind == "saml" else other, BY)


def in_metadata() -> str:
    """The certificate."""
    said = Http().get(f"/accounts/from/{KEY}/metadata").content.decode()
    return said.partition("X509Certificate>")[2].partition("<")[0]


def public_of(row: Connector) -> list[bytes]:
    keys = (
        load_pem_private_key(saml_key_of(row).encode(), None).public_key(),
        x509.load_pem_x509_certificate(row.saml_certificate.encode()).public_key(),
    )
    return [key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys]


def test_a_superuser_ends_it_by_a_new_one() -> None:
    row, before = connector("saml"), in_metadata()
    old = public_of(row)
    where = page("upstream_connector_change", row.pk)
    assert send(browser("root"), where, {"name": "Corporation"}).status_code == 302
    assert in_metadata() == before, "it stays unless somebody wants another"
    assert send(browser("root"), where, {"new_key": "on"}).status_code == 302
    row.refresh_from_db()
    assert in_metadata() != before
    assert len({*old, *public_of(row)}) == 2, "the certificate is that of the key"
    told = SecurityEvent.objects.filter(kind="connector.changed").order_by("pk").last()
    assert told is not None
    assert told.detail["also"] == ["saml_key"]
    assert "PRIVATE" not in str(told.detail)


def test_whoever_has_not_just_proved_who_they_are_does_not() -> None:
    row, before = connector("saml"), in_metadata()
    root = browser("root")
    with time_machine.travel(timezone.now() + timedelta(seconds=301)):
        answer = root.post(page("upstream_connector_change", row.pk), {"new_key": "on"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/"), "where they prove it"
    assert in_metadata() == before


@pytest.mark.parametrize(("kind", "offered"), [("saml", True), ("oidc", False)])
def test_it_is_offered_where_there_is_one(kind: str, offered: bool) -> None:
    shown = browser("root").get(page("upstream_connector_change", connector(kind).pk))
    assert (b'name="new_key"' in shown.content) is offered
