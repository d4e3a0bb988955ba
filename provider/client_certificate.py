"""`tls_client_auth`, `self_signed_tls_client_auth`: the TLS connection proves who a client is (RFC 8705 section 2)."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clients.models.choices import AuthMethod
from common import certificates
from common.certificates import Certificate
from provider import client_keys
from provider.authentication_method import Credentials, Method, Sent
from provider.protocol.facts import ClientFacts


class ByCertificate(Method):
    """What a certificate proves is decided by what the client registered, not by which row read it.

    Public clients connect with a certificate too, to have tokens bound to it: that proves nothing, and need not.
    """

    def __init__(self, *, verified: bool) -> None:
        self.verified = verified  # the rows share certificates out among them: each is read by one

    def used(self, sent: Sent) -> bool:
        """Alone. Beside a secret or an assertion a certificate is there to bind tokens to."""
        if sent.certificate is None or sent.certificate.verified is not self.verified:
            return False
        return sent.authorization is None and not any(map(sent.params.has, ("client_secret", "client_assertion")))

    def read(self, sent: Sent) -> Credentials:
        return Credentials(sent.params.one("client_id"), None, certificate=sent.certificate)

    def offered(self) -> bool:
        return certificates.are_verified() if self.verified else certificates.are_passed_on()

    def proves(self, client: ClientFacts | None, presented: Credentials) -> bool:
        certificate = presented.certificate
        if client is None or certificate is None:
            return False
        if client.auth_method == AuthMethod.TLS:
            return certificate.verified and _named(client, certificate)
        if client.auth_method == AuthMethod.SELF_SIGNED_TLS:
            return _holds_a_key(client, certificate)
        return client.public


def _named(client: ClientFacts, certificate: Certificate) -> bool:
    """The one name that it registered: its whole subject, or a subject alternative name (section 2.1.2)."""
    if len(client.certificate_names) != 1:
        return False
    [(kind, name)] = client.certificate_names
    if kind == "dn":
        return certificates.subject_named(name) == certificate.subject
    return certificates.canonical_name(kind, name) in certificate.names.get(kind, ())


def _holds_a_key(client: ClientFacts, certificate: Certificate) -> bool:
    """The key of the certificate is one that it registered (section 2.2)."""
    registered = (one.public for one in client_keys.keys_of(client))
    known = (key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in registered)
    return certificate.public_key in known
