"""Signing keys for the peers: made once, kept beside them, worth nothing elsewhere."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.benchmarks.peers.base import CACHE


def private_keys() -> dict[str, Path]:
    """PEM files by algorithm, an RSA key of 2048 bits as everybody has; the public half is beside it as .pub."""
    CACHE.mkdir(exist_ok=True)
    made = {"RS256": CACHE / "rsa.pem", "ES256": CACHE / "ec.pem"}
    for algorithm, path in made.items():
        if not path.exists():
            _make(algorithm, path)
    return made


def _make(algorithm: str, path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.with_suffix(".pub").write_bytes(public)
    path.touch(mode=0o600)
    path.write_bytes(private)
