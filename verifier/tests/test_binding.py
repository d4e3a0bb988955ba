"""Tokens bound to a key of their sender: refused unless possession is proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from vestibule_verifier import Invalid, LocalVerifier

from tests.provider import TestProvider, signed

BOUND = {"jkt": "the-thumbprint"}


@pytest.mark.parametrize("cnf", [BOUND, {"x5t#S256": "the-thumbprint"}, {}, [], "", False])
def test_a_bound_token_is_refused_without_a_proof(provider: TestProvider, local: LocalVerifier, cnf: Any) -> None:
    with pytest.raises(Invalid, match="bound to a key"):
        local.verify(signed(provider.access_claims(cnf=cnf)))


def test_the_proof_sees_the_binding_and_decides(provider: TestProvider, local: LocalVerifier) -> None:
    seen: list[Mapping[str, Any]] = []

    def proven(binding: Mapping[str, Any]) -> bool:
        seen.append(binding)
        return bool(binding["jkt"] == "the-thumbprint")

    assert local.verify(signed(provider.access_claims(cnf=BOUND)), proof=proven)
    with pytest.raises(Invalid, match="bound to a key"):
        local.verify(signed(provider.access_claims(cnf={"jkt": "another"})), proof=proven)
    assert seen == [BOUND, {"jkt": "another"}]


@pytest.mark.parametrize("answer", [None, False, 1, "yes", object()])
def test_only_true_is_a_proof(provider: TestProvider, local: LocalVerifier, answer: Any) -> None:
    with pytest.raises(Invalid, match="bound to a key"):
        local.verify(signed(provider.access_claims(cnf=BOUND)), proof=lambda _binding: answer)


def test_a_malformed_binding_is_not_even_shown_to_the_proof(provider: TestProvider, local: LocalVerifier) -> None:
    with pytest.raises(Invalid, match="bound to a key"):
        local.verify(signed(provider.access_claims(cnf="text")), proof=lambda _binding: True)


def test_a_token_that_is_not_bound_needs_no_proof(provider: TestProvider, local: LocalVerifier) -> None:
    assert local.verify(signed(provider.access_claims()), proof=lambda _binding: False)
