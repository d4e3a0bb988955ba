"""Compact JWS: what is believed, and what is not."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from common import jws


def test_a_signature_by_an_algorithm_that_is_not_in_the_table_is_not_believed() -> None:
    """Such a key may be stored still when its algorithm is taken away."""
    key = ec.generate_private_key(ec.SECP256R1())
    header = jws.encode(b'{"alg":"ES256"}')
    payload, signature = jws.sign(header, b"{}", "ES256", key).split(".")[1:]
    assert jws.payload_of(header, payload, signature, "ES256", key.public_key()) == b"{}"
    assert jws.payload_of(header, payload, signature, "ES999", key.public_key()) is None
