"""The key of a connector of SAML, which signs what we say there, and the certificate in our metadata that shows it."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from common import clock, sealing

PURPOSE = "keys of connectors"
BITS = 2048
LASTS = timedelta(days=3650)  # it says whose key it is, and no more. A new one is made by hand
EARLIER = timedelta(days=1)  # for clocks that are slow


def new(key: str) -> tuple[str, str]:
    """A key, sealed, and its certificate, which we sign ourselves: providers are given it, and ask nobody."""
    made, now = rsa.generate_private_key(65537, BITS), clock.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, key)])
    builder = x509.CertificateBuilder(name, name, made.public_key(), x509.random_serial_number())
    dated = builder.not_valid_before(now - EARLIER).not_valid_after(now + LASTS)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    certificate = dated.sign(made, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    return sealing.seal(PURPOSE, pem), certificate
