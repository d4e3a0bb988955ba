"""A provider of SAML 2.0 that answers as a test says: its metadata, and answers that it signs."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

xmlsec: Any = import_module("xmlsec")  # it publishes half of its types
ENTITY = "https://idp.corp.example/metadata"
SSO = "https://idp.corp.example/sso"
SLO = "https://idp.corp.example/slo"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
NAMES = 'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'


def stamp(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class SamlProvider:
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    # Where answers to its requests to sign out go.
    logs_out: str = (
        f'<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SLO}"/>'
    )

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.corp.example")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(10))
        self.certificate = made.sign(self.key, hashes.SHA256())

    @property
    def metadata(self) -> str:
        der = base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()
        return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
<ds:X509Certificate>{der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
{self.logs_out}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""

    def answer(self, location: str, **said: Any) -> dict[str, str]:
        """The form that its page posts: an honest answer to this request, but for what a test says otherwise."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        request = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15))
        facts = {
            "id": request.get("ID"),
            "acs": request.get("AssertionConsumerServiceURL"),
            "audience": request.findtext("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer"),
            "confirmed": request.get("ID"),
            "recipient": request.get("AssertionConsumerServiceURL"),
            "issuer": ENTITY,
            "name": "ada",
            "format": PERSISTENT,
            "begins": -60,
            "ends": 300,
            "proved": 0,
            "attributes": {"mail": ["owner@people.example"], "groups": ["adm", "sales"]},
            "context": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
            "status": "Success",
            "signed": "assertion",
            **said,
        }
        document = etree.fromstring(_response(facts).encode())
        if facts["signed"]:
            target = document.find("{urn:oasis:names:tc:SAML:2.0:assertion}Assertion")
            self._sign(document, target if facts["signed"] == "assertion" else document)
        return {
            "SAMLResponse": base64.b64encode(etree.tostring(document)).decode(),
            "RelayState": query["RelayState"],
        }

    def logout(self, address: str, **said: Any) -> str:
        """The request to sign out, as XML: honest, but for what a test says otherwise."""
        facts = {
            "id": "_l1",
            "at": stamp(),
            "to": address,
            "issuer": ENTITY,
            "name": "ada",
            "sessions": ["s-1"],
            **said,
        }
        sessions = "".join(f"<samlp:SessionIndex>{one}</samlp:SessionIndex>" for one in facts["sessions"])
        ends = f' NotOnOrAfter="{facts["ends"]}"' if "ends" in facts else ""
        to = f' Destination="{facts["to"]}"' if facts["to"] else ""
        return (
            f'<samlp:LogoutRequest {NAMES} ID="{facts["id"]}" Version="2.0" IssueInstant="{facts["at"]}"{to}{ends}>'
            f"<saml:Issuer>{facts['issuer']}</saml:Issuer>"
            f'<saml:NameID Format="{PERSISTENT}">{facts["name"]}</saml:NameID>'
            f"{sessions}</samlp:LogoutRequest>"
        )

    def query(self, document: str, state: str = "", algorithm: str = RSA_SHA256) -> str:
        """The redirect binding: packed, and signed beside it."""
        pack = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = base64.b64encode(pack.compress(document.encode()) + pack.flush()).decode()
        said = {"SAMLRequest": packed, **({"RelayState": state} if state else {}), "SigAlg": algorithm}
        query = urlencode(said)
        digest = hashes.SHA1() if algorithm == RSA_SHA1 else hashes.SHA256()  # noqa: S303 - what is refused
        signature = self.key.sign(query.encode(), padding.PKCS1v15(), digest)
        return f"{query}&{urlencode({'Signature': base64.b64encode(signature).decode()})}"

    def form(self, document: str, change: Callable[[Any], None] | None = None) -> dict[str, str]:
        """The POST binding: signed inside. `change`: what somebody does to it afterwards."""
        root = etree.fromstring(document.encode())
        self._sign(root, root)
        if change:
            change(root)
        return {"SAMLRequest": base64.b64encode(etree.tostring(root)).decode(), "RelayState": "state"}

    def _sign(self, document: Any, target: Any) -> None:
        signature = xmlsec.template.create(target, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256)
        target.insert(1, signature)  # after the issuer
        reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri=f"#{target.get('ID')}")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        xmlsec.tree.add_ids(document, ["ID"])
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM)
        context.sign(signature)


def _response(said: dict[str, Any]) -> str:
    attributes = "".join(
        f'<saml:Attribute Name="{name}">'
        + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in said["attributes"].items()
    )
    confirmed = f' InResponseTo="{said["confirmed"]}"' if said["confirmed"] else ""
    recipient = f' Recipient="{said["recipient"]}"' if said["recipient"] else ""
    audience = f"<saml:Audience>{said['audience']}</saml:Audience>" if said["audience"] else ""
    restriction = f"<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>" if audience else ""
    session = f' SessionIndex="{said["session"]}"' if said.get("session") else ""
    statement = f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>" if attributes else ""
    return (
        f'<samlp:Response {NAMES} ID="_r1" Version="2.0" IssueInstant="{stamp()}" Destination="{said["acs"]}"'
        f' InResponseTo="{said["id"]}"><saml:Issuer>{said["issuer"]}</saml:Issuer>'
        f'<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{said["status"]}"/></samlp:Status>'
        f'<saml:Assertion ID="_a1" Version="2.0" IssueInstant="{stamp()}"><saml:Issuer>{said["issuer"]}</saml:Issuer>'
        f'<saml:Subject><saml:NameID Format="{said["format"]}">{said["name"]}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData{confirmed}{recipient} NotOnOrAfter="{stamp(said["ends"])}"/>'
        "</saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{stamp(said["begins"])}" NotOnOrAfter="{stamp(said["ends"])}">'
        f"{restriction}</saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{stamp(said["proved"])}"{session}><saml:AuthnContext>'
        f"<saml:AuthnContextClassRef>{said['context']}</saml:AuthnContextClassRef></saml:AuthnContext>"
        f"</saml:AuthnStatement>{statement}</saml:Assertion></samlp:Response>"
    )
