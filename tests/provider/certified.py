"""Certificates as clients have them, and headers as a proxy passes them on (RFC 8705)."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

HEADER, VERIFIED_HEADER = "X-Client-Cert", "X-Client-Verify"
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
SUBJECT = "CN=Till\\, one,OU=Tills,O=Acme,C=DE"
NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("Till.acme.example"),
    x509.UniformResourceIdentifier("urn:acme:till"),
    x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
    x509.RFC822Name("till@acme.example"),
)


@dataclass
class Connected:
    """Somebody who connects with a certificate. `names`: its subject alternative names."""

    subject: str = SUBJECT
    names: tuple[x509.GeneralName, ...] = NAMES
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        subject = x509.Name.from_rfc4514_string(self.subject)
        made = x509.CertificateBuilder(subject, subject, self.key.public_key(), 1, NOW, NOW.replace(year=2040))
        if self.names:
            made = made.add_extension(x509.SubjectAlternativeName(self.names), critical=False)
        self.certificate = made.sign(self.key, hashes.SHA256())
        self.der = self.certificate.public_bytes(Encoding.DER)

    @property
    def thumbprint(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).rstrip(b"=").decode()

    @property
    def escaped(self) -> str:
        """nginx's $ssl_client_escaped_cert."""
        return quote(self.certificate.public_bytes(Encoding.PEM).decode(), safe="")

    @property
    def structured(self) -> str:
        """RFC 9440."""
        return f":{base64.b64encode(self.der).decode()}:"

    @property
    def headers(self) -> dict[str, Any]:
        """What Django's test client sends."""
        return {"HTTP_X_CLIENT_CERT": self.escaped, "HTTP_X_CLIENT_VERIFY": "FAILED:self signed certificate"}

    @property
    def verified(self) -> dict[str, str]:
        """The same, where the proxy trusts its CA."""
        return {**self.headers, "HTTP_X_CLIENT_VERIFY": "SUCCESS"}
