"""The certificate of a client's TLS connection, as a proxy in front of us passes it on (RFC 8705).

TLS ends at the proxy. What its header says is believed from the proxies of IDP_TRUSTED_PROXIES alone; from anybody else
the header is not there. Servers join two headers of one name with a comma, which neither of the two forms has. Of
`Client-Cert` and `Client_Cert` they take the last: a proxy drops what callers send, or its header has no hyphen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from django.conf import settings

from common.address import is_from_proxy

MAX_HEADER = 16_384  # characters
VERIFIED = "SUCCESS"  # as nginx says that a CA of its vouches for the certificate
_EMAIL = {"emailAddress": NameOID.EMAIL_ADDRESS, "E": NameOID.EMAIL_ADDRESS}  # in a subject


@dataclass(frozen=True, slots=True)
class Certificate:
    """`thumbprint`: `x5t#S256`. `names`: what a subject alternative name may be compared with, by kind.

    `verified`: the proxy says that it was issued by somebody whom the proxy trusts.
    """

    thumbprint: str
    public_key: bytes = field(repr=False)  # its SubjectPublicKeyInfo
    subject: x509.Name
    names: Mapping[str, frozenset[str]] = field(compare=False)
    verified: bool = False


def are_passed_on() -> bool:
    """Whether a proxy of this deployment passes certificates on."""
    return bool(settings.IDP_CLIENT_CERTIFICATE_HEADER)


def are_verified() -> bool:
    """Whether it says as well for which a CA vouches: a name in any other says nothing."""
    return are_passed_on() and bool(settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER)


def of_connection(meta: Mapping[str, object]) -> Certificate | None:
    """The certificate that the sender of this request has the key of; None without one, and for what is none."""
    if not are_passed_on():
        return None
    sent = str(meta.get(_variable(settings.IDP_CLIENT_CERTIFICATE_HEADER), ""))
    if not sent or not is_from_proxy(meta):
        return None
    header = settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER
    return read(sent, verified=bool(header) and meta.get(_variable(header)) == VERIFIED)


def _variable(header: str) -> str:
    """Of the server (PEP 3333)."""
    return f"HTTP_{header.upper().replace('-', '_')}"


@lru_cache(maxsize=1024)
def read(sent: str, *, verified: bool = False) -> Certificate | None:
    """A header: PEM, percent-encoded (nginx), or base64 of DER between colons (RFC 9440). None: it is neither."""
    der = _der(sent) if len(sent) <= MAX_HEADER and sent.isascii() else b""
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(
            thumbprint=base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode(),
            public_key=found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            subject=found.subject,
            names=_names(found),
            verified=verified,
        )
    except Exception:  # the library has a dozen kinds of exceptions for what is no certificate
        return None


def _der(sent: str) -> bytes:
    try:
        if sent.startswith(":"):
            return base64.b64decode(sent[1:-1], validate=True) if sent.endswith(":") and len(sent) > 1 else b""
        lines = unquote(sent).split()  # BEGIN and END are two words each, what is between is base64
        framed = lines[:2] == ["-----BEGIN", "CERTIFICATE-----"] and lines[-2:] == ["-----END", "CERTIFICATE-----"]
        return base64.b64decode("".join(lines[2:-2]), validate=True) if framed else b""
    except (binascii.Error, ValueError):
        return b""


def _names(certificate: x509.Certificate) -> dict[str, frozenset[str]]:
    try:
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {}
    return {
        "dns": frozenset(name.lower() for name in said.get_values_for_type(x509.DNSName)),
        "uri": frozenset(said.get_values_for_type(x509.UniformResourceIdentifier)),
        "ip": frozenset(str(address) for address in said.get_values_for_type(x509.IPAddress)),
        "email": frozenset(said.get_values_for_type(x509.RFC822Name)),
    }


# --- What a client registers of it ------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def subject_named(text: str) -> x509.Name | None:
    """A distinguished name as RFC 4514 writes it; None: it is none."""
    try:
        return x509.Name.from_rfc4514_string(text, _EMAIL)
    except (ValueError, KeyError):
        return None


def is_name(kind: str, text: str) -> bool:
    """Whether this could be in a certificate: its subject (`dn`), or an alternative name of this kind."""
    return subject_named(text) is not None if kind == "dn" else bool(canonical_name(kind, text))


def canonical_name(kind: str, text: str) -> str:
    """A subject alternative name of this kind, as certificates say it here; empty: it is none."""
    if not text.isascii() or any(one <= " " for one in text):
        return ""
    if kind == "dns":
        return text.lower()
    if kind == "ip":
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            return ""
    return text
