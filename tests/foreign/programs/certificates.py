"""Who connects with a client certificate, and the CA that vouches for them: of one test, and gone with it."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwcrypto import jwk

SUBJECT = "CN=Till\\, one,OU=Tills,O=Acme,C=DE"
NAME = "till.acme.example"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Authority:
    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name.from_rfc4514_string("CN=A CA of a test")
        made = _builder(self.name, self.name, self.key, NOW + DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.pem = made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issues(self, file: Path, subject: str, dns: str, ends: datetime.datetime = NOW + DAY) -> Holder:
        return _made(file, subject, dns, ends, self)


def _made(file: Path, subject: str, dns: str, ends: datetime.datetime, by: Authority | None) -> Holder:
    """A key with its certificate, which nobody vouches for where it is made without an authority."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(subject)
    made = _builder(name, by.name if by else name, key, ends)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
    certificate = made.sign(by.key if by else key, hashes.SHA256())
    held = file.with_suffix(".key")
    held.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return Holder(file, held, certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, ends: datetime.datetime
) -> x509.CertificateBuilder:
    number = x509.random_serial_number()
    return x509.CertificateBuilder(issuer, subject, key.public_key(), number, NOW - 2 * DAY, ends)


@dataclass(frozen=True)
class Holder:
    """Somebody who has a certificate and its key."""

    file: Path
    key: Path
    certificate: x509.Certificate

    @property
    def escaped(self) -> str:
        """As nginx passes it on."""
        return quote(self.file.read_text(), safe="")

    @property
    def thumbprint(self) -> str:
        digest = self.certificate.fingerprint(hashes.SHA256())
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def jwk(self) -> str:
        pem = self.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return str(jwk.JWK.from_pem(pem).export_public())


def holders(folder: Path) -> dict[str, Holder]:
    """Four who connect. The CA is in `ca.pem`, and vouches for the server as well."""
    authority = Authority()
    (folder / "ca.pem").write_bytes(authority.pem)
    authority.issues(folder / "server.pem", "CN=localhost", "localhost")
    return {
        "till": authority.issues(folder / "till.pem", SUBJECT, NAME),
        "another": authority.issues(folder / "another.pem", "CN=Till 2,OU=Tills,O=Acme,C=DE", "till2.acme.example"),
        "expired": authority.issues(folder / "expired.pem", SUBJECT, NAME, NOW - DAY),
        "self-made": _made(folder / "self-made.pem", SUBJECT, NAME, NOW + DAY, None),
    }
