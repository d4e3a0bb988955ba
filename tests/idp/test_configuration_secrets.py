"""Client secrets of a file: taken as they are, never kept in clear, never shown twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.utils import timezone

from accounts.models import User
from clients import secrets
from clients.models import Client, ClientSecret
from idp.configuration import ConfigurationError, apply
from tests.idp.configuration import SMALL, changed

pytestmark = pytest.mark.django_db


FROM_ENVIRONMENT = changed(SMALL, "client_secret: a given secret", "client_secret_from: env:WEB_SECRET")
WITHOUT = changed(SMALL, "        client_secret: a given secret\n", "")


def with_secret(secret: str) -> str:
    return changed(SMALL, "a given secret", json.dumps(secret))


def live() -> list[ClientSecret]:
    return [*ClientSecret.objects.filter(slot__isnull=False)]


@pytest.mark.parametrize("secret", ["x", " spaces around ", "a:b%3A+&=", "ünïcode ✓", "tab\tand\nline", "'\"\\#"])
def test_a_given_secret_is_taken_as_it_is(secret: str) -> None:
    apply(with_secret(secret))
    assert secrets.matches(secret, live()[0].digest)
    assert not apply(with_secret(secret)).changed


def test_a_secret_comes_from_the_environment() -> None:
    report = apply(FROM_ENVIRONMENT, environ={"WEB_SECRET": "from the environment"})
    assert secrets.matches("from the environment", live()[0].digest)
    assert report.generated_secrets == {}
    assert not apply(FROM_ENVIRONMENT, environ={"WEB_SECRET": "from the environment"}).changed


def test_a_secret_comes_from_a_file_that_a_variable_names(tmp_path: Path) -> None:
    """As every variable may: an agent of a vault writes files."""
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    environ = {"WEB_SECRET_FILE": str(file)}
    apply(FROM_ENVIRONMENT, environ=environ)
    assert secrets.matches("from a file", live()[0].digest)
    assert not apply(FROM_ENVIRONMENT, environ=environ).changed
    file.unlink()
    with pytest.raises(ConfigurationError, match="WEB_SECRET_FILE names a file that cannot be read"):
        apply(FROM_ENVIRONMENT, environ=environ)


GIVEN = "client_secret: a given secret"


def test_a_client_that_becomes_public_has_no_secret_that_could_wake_up() -> None:
    apply(SMALL)
    public = changed(SMALL, GIVEN, "token_endpoint_auth_method: none")
    assert "client_secret" in apply(public).drift[0].fields
    assert live() == []
    assert not apply(public).changed
    confidential = changed(SMALL, GIVEN, "token_endpoint_auth_method: client_secret_basic")
    report = apply(confidential)
    assert [secrets.matches(report.generated_secrets["web"], row.digest) for row in live()] == [True]
    assert not apply(confidential).changed


def test_what_slept_while_a_client_was_public_ends_before_it_is_confidential() -> None:
    """As versions before this one left it."""
    apply(changed(SMALL, GIVEN, "token_endpoint_auth_method: none"))
    secrets.adopt(Client.objects.get(), "an old secret")
    apply(changed(SMALL, GIVEN, f"token_endpoint_auth_method: client_secret_basic\n        {GIVEN}"))
    assert [secrets.matches("a given secret", row.digest) for row in live()] == [True]


def test_the_very_secret_that_slept_is_a_new_one() -> None:
    apply(changed(SMALL, GIVEN, "token_endpoint_auth_method: none"))
    secrets.adopt(Client.objects.get(), "a given secret")
    apply(changed(SMALL, GIVEN, f"token_endpoint_auth_method: client_secret_basic\n        {GIVEN}"))
    assert [row.label for row in live()] == ["configuration file"]


@pytest.mark.parametrize("environ", [{}, {"WEB_SECRET": ""}])
def test_a_missing_variable_never_leads_to_a_made_secret(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="The environment variable WEB_SECRET is not set"):
        apply(FROM_ENVIRONMENT, environ=environ)
    assert not Client.objects.exists()


def test_a_changed_secret_replaces_the_one_the_file_set_before() -> None:
    apply(with_secret("first secret"))
    report = apply(with_secret("second secret"))
    assert [str(change) for change in report.drift] == ["updated client web: client_secret"]
    assert [secrets.matches("second secret", row.digest) for row in live()] == [True]
    assert ClientSecret.objects.filter(revoked_at__isnull=False).count() == 1


def test_a_changed_secret_leaves_the_one_a_person_made() -> None:
    apply(with_secret("first secret"))
    made = secrets.generate(Client.objects.get(), label="for the new release")
    apply(with_secret("second secret"))
    assert len(live()) == 2
    assert any(secrets.matches(made, row.digest) for row in live())
    assert not any(secrets.matches("first secret", row.digest) for row in live())


def test_a_secret_a_person_added_may_move_into_the_file() -> None:
    apply(with_secret("first secret"))
    secrets.adopt(Client.objects.get(), "second secret", label="rolled out")
    assert apply(with_secret("second secret")).changed
    assert [row.label for row in live()] == ["rolled out"]
    assert not apply(with_secret("second secret")).changed


def test_two_secrets_people_made_are_never_thrown_out_by_a_file() -> None:
    apply(WITHOUT)
    secrets.generate(Client.objects.get())
    with pytest.raises(ConfigurationError, match=r"client_secret: This client has two secrets already"):
        apply(with_secret("third secret"))
    assert len(live()) == 2


def test_an_expired_secret_does_not_count_as_set() -> None:
    apply(with_secret("a secret"))
    ClientSecret.objects.update(expires_at=timezone.now())
    assert apply(with_secret("a secret")).changed
    assert [row.expires_at for row in live()] == [None]


def test_a_secret_is_made_once() -> None:
    report = apply(WITHOUT)
    secret = report.generated_secrets["web"]
    assert secrets.matches(secret, live()[0].digest)
    assert apply(WITHOUT).generated_secrets == {}
    assert secret not in repr(report)
    assert secret not in str(report.changes)


def test_a_client_whose_secrets_were_all_revoked_gets_no_new_one() -> None:
    apply(WITHOUT)
    for row in live():
        secrets.revoke(row)
    assert not apply(WITHOUT).changed
    assert live() == []


def test_a_public_client_that_becomes_confidential_gets_a_secret() -> None:
    public = changed(WITHOUT, "scope: openid", "token_endpoint_auth_method: none")
    assert apply(public).generated_secrets == {}
    confidential = changed(WITHOUT, "scope: openid", "token_endpoint_auth_method: client_secret_post")
    assert list(apply(confidential).generated_secrets) == ["web"]


def test_nothing_a_file_says_in_secret_is_stored_in_clear() -> None:
    made = apply(changed(SMALL, "scope: openid", "scope: openid\n      - client_id: two")).generated_secrets["two"]
    stored: Any = serializers.serialize(
        "json", [*User.objects.all(), *Client.objects.all(), *ClientSecret.objects.all()]
    )
    for secret in ("secret words", "a given secret", made):
        assert secret not in stored
