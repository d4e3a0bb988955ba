"""What is no mistake and rarely meant: told, and with `--strict` refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from clients.metadata import ClientMetadata
from clients.models import Client
from clients.unused import unused
from idp.configuration import ConfigurationError, apply
from tests.idp.configuration import SMALL, changed

pytestmark = pytest.mark.django_db

CLIENT = "projects[0].clients[0]"
CLEAN = changed(
    changed(SMALL, "client_secret: a given secret", "client_secret_from: env:S"), "    password: secret words\n", ""
)
CLEAN_ENVIRON = {"S": "a secret"}


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("username: demo", "username: demo\n    password: x", "4: users[0].password: This is readable to whoever"),
        ("client_secret_from: env:S", "client_secret: x", f"14: {CLIENT}.client_secret: This is readable to whoever"),
        (
            "client_secret_from: env:S",
            "client_secrets: [{secret: x}]",
            f"14: {CLIENT}.client_secrets[0].secret: This is readable to whoever reads the file.",
        ),
        (
            "client_secret_from: env:S",
            'client_secrets: [{secret_from: env:S, expires_at: "2020-01-01T00:00:00Z"}]',
            f"14: {CLIENT}.client_secrets[0].expires_at: This secret has expired: it opens nothing.",
        ),
        ("[authorization_code]", "[client_credentials]", f"17: {CLIENT}.redirect_uris: They mean nothing without"),
        ("scope: openid", "scope: openid offline_access", f"18: {CLIENT}.scope: offline_access means nothing"),
        ("scope: openid", "held: true", f"18: {CLIENT}.held: This means nothing with 'enabled: true'."),
        ("name: Acme", "name: Acme\n    test_users: [demo]", "8: projects[0].test_users: Test users mean nothing with"),
        ("name: Acme", "name: Acme\n    status: testing\n    test_users: []", "9: projects[0].test_users: Nobody can"),
    ],
)
def test_a_warning_is_told_at_its_place_and_refused_when_strict(old: str, new: str, told: str) -> None:
    text = changed(CLEAN, old, new)
    with pytest.raises(ConfigurationError) as refused:
        apply(text, path="acme.yaml", environ=CLEAN_ENVIRON, strict=True)
    [line] = str(refused.value).splitlines()
    assert line.startswith(f"acme.yaml:{told}")
    assert not Client.objects.exists()
    assert apply(text, path="acme.yaml", environ=CLEAN_ENVIRON).changed


def test_a_file_without_a_warning_is_applied_strictly() -> None:
    report = apply(CLEAN, environ=CLEAN_ENVIRON, strict=True)
    assert (report.changed, report.warnings) == (True, ())


def test_warnings_are_on_standard_error_and_in_json(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(changed(SMALL, "scope: openid", "scope: openid offline_access"))
    told, output = io.StringIO(), io.StringIO()
    call_command("applyconfig", str(file), stdout=io.StringIO(), stderr=told)
    warning = "offline_access means nothing without the grant type refresh_token."
    assert f"Warning: {file}:19: {CLIENT}.scope: {warning}" in told.getvalue()
    call_command("applyconfig", str(file), "--format", "json", stdout=output, stderr=io.StringIO())
    assert json.loads(output.getvalue())["warnings"] == [{"path": f"{CLIENT}.scope", "line": 19, "message": warning}]
    with pytest.raises(CommandError, match="This is readable to whoever reads the file"):
        call_command("applyconfig", str(file), "--strict", stdout=io.StringIO(), stderr=told)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("client", "names"),
    [
        (ClientMetadata(grant_types=("client_credentials",)), []),
        (ClientMetadata(), ["grant_types"]),
        (ClientMetadata(response_types=("id_token",), redirect_uris=("https://a.example/",)), []),
        (ClientMetadata(grant_types=("refresh_token",)), ["grant_types"]),
        (ClientMetadata(grant_types=("client_credentials",), introspects=("a",)), ["introspects"]),
        (ClientMetadata(grant_types=("client_credentials",), introspects=("a",), introspection="listed"), []),
        (
            ClientMetadata(grant_types=("client_credentials",), token_endpoint_auth_signing_alg="ES256"),
            ["token_endpoint_auth_signing_alg"],
        ),
        (
            ClientMetadata(grant_types=("client_credentials",), tls_client_auth_san_dns="a.example"),
            ["tls_client_auth_san_dns"],
        ),
        (ClientMetadata(grant_types=("client_credentials",), cross_client_public=True), ["cross_client_public"]),
    ],
)
def test_what_means_nothing_for_a_client_is_named(client: ClientMetadata, names: list[str]) -> None:
    assert [one.name for one in unused(client)] == names
