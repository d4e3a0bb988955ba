"""The key `sub` of the file: who comes from another provider stays who they are to apps."""

from __future__ import annotations

import pytest

from accounts.models import User
from idp.configuration import ConfigurationError, apply

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def file(username: str, sub: str) -> dict[str, object]:
    return {"version": 1, "users": [{"username": username, "sub": sub}]}


def refused(username: str, sub: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        apply(file(username, sub))
    return str(error.value)


@pytest.mark.parametrize("sub", ["1", "a b/ü?#", "x" * 255])
def test_a_new_account_has_the_sub_of_the_file_and_applies_again(sub: str) -> None:
    apply(file("new", sub))
    assert not apply(file("new", sub)).drift
    assert User.objects.get(username="new").sub == sub


def test_the_sub_of_an_account_never_changes() -> None:
    before = User.objects.get(username="owner").sub
    assert "never changes" in refused("owner", "1")
    assert User.objects.get(username="owner").sub == before
    assert not apply(file("owner", before)).drift


@pytest.mark.parametrize(
    ("sub", "why"), [("web", "A client has this"), ("", "empty"), ("a\nb", "control"), ("x" * 256, "255")]
)
def test_a_new_account_cannot_have_every_sub(sub: str, why: str) -> None:
    assert why in refused("new", sub)
    assert not User.objects.filter(username="new").exists()


def test_a_sub_is_one_accounts() -> None:
    assert "Another account" in refused("new", User.objects.get(username="owner").sub)
    twice = {"version": 1, "users": [{"username": name, "sub": "1"} for name in ("one", "two")]}
    with pytest.raises(ConfigurationError, match=r"users\[1\].sub: Another account"):
        apply(twice)
