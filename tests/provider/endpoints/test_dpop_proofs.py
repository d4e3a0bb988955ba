"""Whatever comes as a DPoP proof: it proves the key that made it, or it is refused, and nothing else happens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provider import possession
from provider.possession import Evidence
from provider.protocol import dpop
from provider.protocol.errors import InvalidDpopProof
from tests.provider.proving import TOKEN, Holder
from tests.world import App

HOLDER = Holder()
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
members = st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "crit", "kid", "b64"]), json, max_size=4)
claims = st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "nonce", "ath", "exp"]), json, max_size=5)
wire = st.binary(max_size=300).map(lambda data: data.decode("latin-1"))


def proved(proof: str, token: str = "") -> str:
    """Whose key it proves; empty: it is refused."""
    try:
        found = possession.proved(Evidence("token", "POST", proof), token)
    except InvalidDpopProof:
        return ""
    assert found is not None
    return found.jkt


@given(wire)
@example("..")
@example("a.b.c")
@example("e30.e30.e30")
@example("," * 9000)
def test_rubbish_proves_nothing(proof: str) -> None:
    assert proved(proof) == ""


@given(members, claims)
def test_a_signature_makes_no_proof_of_other_members_and_claims(header: dict[str, Any], sent: dict[str, Any]) -> None:
    """Signed for real, so that everything behind the signature is reached."""
    whole = {"typ": "dpop+jwt", "jwk": HOLDER.public, **header, "alg": "ES256"}
    whole.pop("crit", None)  # jwcrypto signs none that it does not know
    whole.pop("b64", None)
    said = {**HOLDER.claims(), **sent}
    right = proved(HOLDER.signed(whole, said))
    assert right in ("", HOLDER.jkt)
    if right:
        assert (said["htm"], dpop.normalized(str(said["htu"])), whole["typ"]) == ("POST", TOKEN, "dpop+jwt")


@given(json)
def test_whatever_is_in_its_jwk(jwk: Any) -> None:
    assert proved(HOLDER.signed({"typ": "dpop+jwt", "jwk": jwk}, HOLDER.claims())) == ""


@given(st.text(max_size=100))
@example("http://[")
@example("http://a:99999/")
@example("http://\uff41/")
def test_whatever_is_called_a_url(url: str) -> None:
    once = dpop.normalized(url)
    assert dpop.normalized(once) == once or not once


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_letter_counts(place: int) -> None:
    parts = HOLDER.proof().split(".")
    letter = len(parts[place]) // 2
    other = "A" if parts[place][letter] != "A" else "B"
    parts[place] = parts[place][:letter] + other + parts[place][letter + 1 :]
    assert proved(".".join(parts)) == ""


@pytest.mark.django_db
@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    "proof",
    [
        *("", ".", "..", "a.b.c", "\u00e9", "e30.e30.e30", "x" * 20_000, "," * 100, "null", "\ud7ff.\ud7ff.\ud7ff"),
        HOLDER.proof(iat=10**400),
        HOLDER.proof(iat=-(10**30)),
        HOLDER.proof(jti="\ud83d\ude00" * 100),
        HOLDER.proof(jti="\0"),
        HOLDER.proof(nonce="\u00e9"),
        HOLDER.proof(ath=["x"]),
        HOLDER.signed({"typ": "dpop+jwt", "jwk": HOLDER.public}, "[" * 5000),
        HOLDER.signed({"typ": "dpop+jwt", "jwk": HOLDER.public}, b"\xff\xfe"),
        HOLDER.signed({"typ": "dpop+jwt", "jwk": HOLDER.public}, '{"iat": NaN}'),
    ],
    ids=lambda proof: repr(proof)[:20] + str(len(proof)),
)
def test_no_proof_is_a_failure_of_ours(proof: str) -> None:
    """G9."""
    asked = App("service").post("/oauth2/token", {"grant_type": "client_credentials"}, HTTP_DPOP=proof)
    assert asked.status_code in (200, 400), asked.content
    shown = App("web").http.get("/oauth2/userinfo", HTTP_AUTHORIZATION="DPoP x", HTTP_DPOP=proof)
    assert shown.status_code == 401
