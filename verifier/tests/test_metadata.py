"""What an API says of itself (RFC 9728), and what a refusal tells apps of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from vestibule_verifier import InsufficientScope, Invalid, LocalVerifier, Missing, ProtectedResource, Provider
from vestibule_verifier.answers import answer
from vestibule_verifier.challenge import challenge

ISSUER, API = "https://id.example.com", "https://api.example.com/mcp"
METADATA = "https://api.example.com/.well-known/oauth-protected-resource/mcp"


def resource(identifier: str = API, **told: Any) -> ProtectedResource:
    return ProtectedResource(LocalVerifier(Provider(ISSUER), identifier), **told)


def test_the_document_says_where_to_get_tokens_and_how_to_send_them() -> None:
    described = resource(scopes=["notes.read", "notes.write notes.read"], name="Notes", documentation=f"{API}/docs")
    assert (
        described.document
        == json.loads(described.body)
        == {
            "resource": API,
            "authorization_servers": [ISSUER],
            "scopes_supported": ["notes.read", "notes.write"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA", "Ed25519"],
            "resource_name": "Notes",
            "resource_documentation": f"{API}/docs",
        }
    )


def test_what_is_not_known_is_left_out_and_more_may_be_said() -> None:
    keys = f"{API}/keys"
    said = resource(more={"jwks_uri": keys, "dpop_bound_access_tokens_required": True}).document
    assert (said["jwks_uri"], said["dpop_bound_access_tokens_required"]) == (keys, True)
    assert not {"scopes_supported", "resource_name", "resource_documentation"} & said.keys()
    assert (
        "dpop_signing_alg_values_supported" not in resource(more={"dpop_signing_alg_values_supported": None}).document
    )


@pytest.mark.parametrize("member", ["resource", "authorization_servers", "bearer_methods_supported"])
def test_what_the_verifier_checks_is_said_in_one_way_only(member: str) -> None:
    with pytest.raises(ValueError, match=member):
        resource(more={member: "another"})


@pytest.mark.parametrize(
    ("identifier", "path"),
    [
        (API, "/mcp"),
        (f"{API}/", "/mcp/"),
        ("https://api.example.com", ""),
        ("https://api.example.com/", ""),
        ("https://api.example.com:8443/a/b", "/a/b"),
        ("http://127.0.0.1:8770/mcp", "/mcp"),
        ("https://api.example.com/mcp?tenant=7", "/mcp?tenant=7"),
    ],
)
def test_the_address_of_the_document_is_made_from_the_identifier(identifier: str, path: str) -> None:
    described = resource(identifier)
    assert described.metadata_url == f"{described.origin}/.well-known/oauth-protected-resource{path}"
    assert described.document["resource"] == identifier, "letter by letter"
    bare = described.metadata_path.rstrip("/")
    assert described.is_metadata(bare)
    assert described.is_metadata(f"{bare}/"), "clients write the address of an API either way"
    assert not described.is_metadata(f"{bare}/x")
    assert not described.is_metadata("/.well-known")


def test_the_document_may_be_elsewhere() -> None:
    described = resource(metadata_url="https://api.example.com/behind/the/proxy")
    assert (described.metadata_path, described.is_metadata("/behind/the/proxy")) == ("/behind/the/proxy", True)


@pytest.mark.parametrize(
    "wrong",
    [
        "http://api.example.com/mcp",
        "urn:acme:queue",
        "https://user@api.example.com/",
        "https://api.example.com/#x",
        "https://api.example.com/a b",
        'https://api.example.com/"',
        "https://api.example.com/\\",
        "https://api.example.com/ä",
        "https:///mcp",
    ],
)
def test_an_address_that_apps_may_not_send_tokens_to_is_none(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"https address|absolute|identifier|character|URI|audience"):
        resource(wrong)
    with pytest.raises(ValueError, match="https address"):
        resource(metadata_url=wrong)


def test_the_identifier_is_one_of_the_verifiers() -> None:
    both = LocalVerifier(Provider(ISSUER), [API, "urn:acme:queue"])
    assert ProtectedResource(both, identifier=API).identifier == API
    with pytest.raises(ValueError, match="several"):
        ProtectedResource(both)
    with pytest.raises(ValueError, match="does not check"):
        ProtectedResource(both, identifier=f"{API}/")


@pytest.mark.parametrize("scope", ['a"b', "a\\b", "ä"])
def test_a_scope_that_cannot_be_one_is_not_offered(scope: str) -> None:
    with pytest.raises(ValueError, match="no scope has"):
        resource(scopes=[scope])


# --- What a refusal says ------------------------------------------------------------------------------------------


def test_who_sent_nothing_hears_where_to_read_and_what_to_ask_for() -> None:
    assert challenge(Missing(), resource=resource(), scope="notes.read") == (
        f'Bearer realm="api", scope="notes.read", resource_metadata="{METADATA}"'
    )
    assert challenge(Missing(), resource=resource()) == f'Bearer realm="api", resource_metadata="{METADATA}"'


def test_a_token_that_is_no_good_is_told_so_besides() -> None:
    assert challenge(Invalid("It has expired."), "notes", resource=resource(), scope="b a") == (
        'Bearer realm="notes", error="invalid_token", error_description="It has expired.", scope="a b", '
        f'resource_metadata="{METADATA}"'
    )


def test_a_scope_that_is_missing_is_named_with_those_that_are_held() -> None:
    """A client asks for exactly what is named: what it holds would be lost."""
    error = InsufficientScope("notes.write", frozenset({"offline_access", "notes.read"}))
    assert challenge(error, resource=resource(), scope="notes.read") == (
        'Bearer realm="api", error="insufficient_scope", '
        'error_description="The access token needs the scope notes.write.", '
        f'scope="notes.read notes.write offline_access", resource_metadata="{METADATA}"'
    )
    assert 'scope="notes.write"' in challenge(error), "where nobody asks for more, what the request needs"


def test_what_a_token_holds_cannot_write_into_the_header() -> None:
    error = InsufficientScope("a", frozenset({'x",evil="1', "ä", "b"}))
    assert 'scope="a b"' in challenge(error, resource=resource())


def test_a_dpop_request_is_answered_with_its_scheme() -> None:
    told = answer(Invalid("No."), scheme="dpop", resource=resource()).headers["WWW-Authenticate"]
    assert told.startswith('DPoP realm="api", algs="ES256 PS256 EdDSA Ed25519", error="invalid_token"')
    assert told.endswith(f'resource_metadata="{METADATA}"')


def test_without_a_resource_nothing_is_said_of_one() -> None:
    assert challenge(Missing(), scope="notes.read") == 'Bearer realm="api"'
