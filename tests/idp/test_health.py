from __future__ import annotations

import subprocess
import sys
import tomllib
import warnings
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Http

from clients.models import SigningKey
from common.jws import ALGORITHMS
from idp import VERSION, checks, health, neighbours
from idp import settings as real
from idp.environment import Environment
from idp.neighbours import cache_with_time_limits
from provider.keys import keyring
from tests.idp.reading import only_reading
from tests.silence import silent_server


def test_alive_needs_nothing() -> None:
    assert Http().get("/healthz/live").json() == {"status": "live"}


@pytest.mark.django_db
def test_ready_needs_a_key_that_signs_for_every_algorithm(keys: None) -> None:
    assert Http().get("/healthz/ready").status_code == 200
    SigningKey.objects.filter(algorithm="ES256").delete()
    response = Http().get("/healthz/ready")
    assert (response.status_code, response.json()["status"]) == (503, "unavailable")


@pytest.mark.django_db
def test_not_ready_with_secrets_that_open_no_key(keys: None, settings: Any) -> None:
    sealed_with = settings.IDP_KEY_SECRETS
    settings.IDP_KEY_SECRETS = ["another secret that is long enough"]
    response = Http().get("/healthz/ready")
    assert response.status_code == 503
    assert response.json()["reason"] in {
        f"The active {algorithm} key cannot be opened: IDP_KEY_SECRETS does not hold the secret it was sealed with. "
        "Add it behind the new one."
        for algorithm in ALGORITHMS
    }
    settings.IDP_KEY_SECRETS = [*settings.IDP_KEY_SECRETS, *sealed_with]
    assert Http().get("/healthz/ready").status_code == 200


@pytest.mark.django_db
def test_looking_again_opens_no_key_again(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Http().get("/healthz/ready").status_code == 200
    monkeypatch.setattr(keyring, "decrypt", None)
    assert Http().get("/healthz/ready").status_code == 200


@pytest.mark.django_db
def test_not_ready_while_a_migration_of_this_version_is_missing(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Introspection and refresh would fail, each in its own way."""
    monkeypatch.setattr(health.Schema, "fits", False)
    applied = MigrationRecorder.Migration.objects.filter(app="clients").latest("pk")
    applied.delete()
    response = Http().get("/healthz/ready")
    assert (response.status_code, response.json()["reason"]) == (503, health.OUTDATED)
    MigrationRecorder.Migration.objects.create(app=applied.app, name=applied.name)
    assert Http().get("/healthz/ready").status_code == 200


@pytest.mark.django_db
def test_tables_that_fit_are_not_compared_again(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Http().get("/healthz/ready").status_code == 200
    monkeypatch.setattr(health, "missing_migrations", None)
    assert Http().get("/healthz/ready").status_code == 200


@pytest.mark.django_db
def test_tables_of_a_newer_version_do_no_harm(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a new version starts, processes of the one before go on."""
    monkeypatch.setattr(health.Schema, "fits", False)
    MigrationRecorder.Migration.objects.create(app="clients", name="9999_of_the_next_version")
    assert Http().get("/healthz/ready").status_code == 200


@pytest.mark.django_db
def test_not_ready_with_a_database_that_only_reads(keys: None) -> None:
    with only_reading():
        response = Http().get("/healthz/ready")
    assert (response.status_code, response.json()["reason"]) == (503, "The database only reads.")


@pytest.mark.django_db
def test_ready_warns_of_a_next_key_that_would_not_open(keys: None) -> None:
    """When it is activated nothing could be signed, and until then everything works."""
    SigningKey.objects.filter(state="next", algorithm="ES256").update(private_jwk="sealed under another secret")
    response = Http().get("/healthz/ready")
    (warning,) = response.json()["warnings"]
    assert response.status_code == 200
    assert warning.startswith("The next ES256 key cannot be opened: ")
    assert warning.endswith(" Do so before the next rotatekeys.")


@pytest.mark.django_db
def test_ready_warns_of_a_cache_that_does_not_answer_and_tokens_go_on(keys: None, settings: Any) -> None:
    with silent_server() as port:
        address = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{port}"}
        settings.CACHES = {"default": cache_with_time_limits(address)}
        response = Http().get("/healthz/ready")
    assert response.status_code == 200
    assert response.json()["warnings"] == ["The cache does not answer, so wrong passwords and codes cannot be counted."]


@pytest.mark.django_db
def test_ready_names_the_version(keys: None) -> None:
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]
    assert Http().get("/healthz/ready").json() == {"status": "ready", "version": project["version"], "warnings": []}


def test_credentials_in_uris_are_warned_about(settings: Any) -> None:
    assert checks.legacy_query_credentials(None) == []
    settings.IDP_LEGACY_QUERY_CREDENTIALS = True
    assert [message.id for message in checks.legacy_query_credentials(None)] == ["idp.W001"]


def test_mail_to_the_console_is_warned_about_off_loopback(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert checks.mail_is_sent(None) == []
    settings.IS_LOCAL = False
    assert [message.id for message in checks.mail_is_sent(None)] == ["idp.W002"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("consolemail://", "E-mail is written to the console."),
        ("filemail:///mails", "E-mail is written to files."),
        ("memorymail://", "E-mail is kept in memory and sent to nobody."),
        ("dummymail://", "E-mail is thrown away."),
        ("smtp://", "EMAIL_URL names no mail server, so no e-mail is sent."),
        ("smtp+tls://:587", "EMAIL_URL names no mail server, so no e-mail is sent."),
        ("smtp+tls://mail.example.com:587", ""),
    ],
)
def test_mail_that_goes_nowhere_is_warned_about(
    settings: Any, monkeypatch: pytest.MonkeyPatch, url: str, sentence: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    for name, value in neighbours.mail(Environment()).items():
        setattr(settings, name, value)
    settings.IS_LOCAL = False
    assert [message.msg for message in checks.mail_is_sent(None)] == ([sentence] if sentence else [])


def test_one_address_for_everybody_is_warned_about_off_loopback(settings: Any) -> None:
    settings.IDP_TRUSTED_PROXIES = []
    assert checks.trusted_proxies_are_set(None) == []
    settings.IS_LOCAL = False
    assert [message.id for message in checks.trusted_proxies_are_set(None)] == ["idp.W003"]
    settings.IDP_TRUSTED_PROXIES = ["127.0.0.1"]
    assert checks.trusted_proxies_are_set(None) == []


@pytest.mark.parametrize(
    ("networks", "told"),
    [(["0.0.0.0/0"], 1), (["::/0", "10.0.0.0/8"], 1), (["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"], 0), ([], 0)],
)
def test_believing_everybody_is_warned_about(settings: Any, networks: list[str], told: int) -> None:
    settings.IDP_TRUSTED_PROXIES = networks
    assert [message.id for message in checks.trusted_proxies_are_few(None)] == ["idp.W016"] * told


def test_a_cache_of_one_process_is_warned_about_off_loopback(settings: Any) -> None:
    assert checks.cache_is_shared(None) == []
    settings.IS_LOCAL = False
    assert [message.id for message in checks.cache_is_shared(None)] == ["idp.W004"]
    settings.CACHES = {"counters": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
    assert checks.cache_is_shared(None) == []


def test_half_of_the_settings_for_certificates_are_warned_about(settings: Any) -> None:
    assert checks.certificates_come_from_a_proxy(None) == []
    settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER = "X-Client-Verify"
    settings.IDP_MTLS_URL = "https://mtls.localhost"
    assert [message.id for message in checks.certificates_come_from_a_proxy(None)] == ["idp.W011"] * 2
    settings.IDP_CLIENT_CERTIFICATE_HEADER = "X-Client-Cert"
    (warning,) = checks.certificates_come_from_a_proxy(None)
    assert "believed from nobody" in warning.msg
    settings.IDP_TRUSTED_PROXIES = ["127.0.0.1"]
    assert checks.certificates_come_from_a_proxy(None) == []


def test_a_header_of_certificates_with_a_second_spelling_is_warned_about(settings: Any) -> None:
    """Granian makes one variable of `Client-Cert` and `Client_Cert`; what the caller wrote may win."""
    settings.IDP_CLIENT_CERTIFICATE_HEADER, settings.IDP_CLIENT_CERTIFICATE_VERIFIED_HEADER = (
        "ClientCert",
        "ClientVerify",
    )
    assert checks.headers_of_certificates_have_one_spelling(None) == []
    settings.IDP_CLIENT_CERTIFICATE_HEADER = "Client-Cert"
    (warning,) = checks.headers_of_certificates_have_one_spelling(None)
    assert (warning.id, "Client_Cert" in warning.msg) == ("idp.W012", True)


@pytest.mark.any_database
@pytest.mark.parametrize(("listen", "warned"), [(None, 0), (("127.0.0.1", 9), 0), (("10.0.0.1", 9), 0), (("::", 9), 1)])
def test_numbers_for_everybody_are_warned_about(listen: tuple[str, int] | None, warned: int, settings: Any) -> None:
    settings.IDP_METRICS_LISTEN = listen
    assert [one.id for one in checks.metrics_are_for_few(None)] == ["idp.W015"] * warned


def test_a_database_without_an_issuer_is_warned_about(settings: Any) -> None:
    assert checks.issuer_is_set(None) == []
    settings.IDP_ISSUER_FORGOTTEN = True
    (warning,) = checks.issuer_is_set(None)
    assert warning.id == "idp.W005"
    assert "IDP_ISSUER is not set" in warning.msg


@pytest.mark.any_database
@pytest.mark.parametrize("asked", [("manage.py", "--version"), ("-m", "idp.server", "--version")])
def test_commands_say_our_version(asked: tuple[str, ...]) -> None:
    said = subprocess.run([sys.executable, *asked], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    assert said.stdout == f"Vestibule {VERSION}\n"


@pytest.mark.any_database
def test_files_that_nobody_collected_are_served_from_the_code_without_a_warning(settings: Any, tmp_path: Path) -> None:
    """As in a deployment: its directory is not there, and the files are listed once, when a process starts."""
    settings.STATIC_ROOT, settings.WHITENOISE_AUTOREFRESH = tmp_path / "nothing", False
    assert real.WHITENOISE_USE_FINDERS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "No directory at: ", UserWarning)  # as the settings do
        answer = Http().head("/static/vestibule/pages.css")
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/css")


def test_every_static_file_is_found_once(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    said = StringIO()
    call_command("collectstatic", "--noinput", stdout=said, stderr=said)
    assert "another file" not in said.getvalue()
    ours = {path.name for path in (tmp_path / "vestibule").iterdir()}
    assert {"pages.css", "console.css", "passkeys.js", "mark.svg"} <= ours


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "vestibule.internal", "a b", ""])
def test_whoever_asks_by_an_address_or_another_name_is_answered(keys: None, host: str) -> None:
    """Balancers and probes cannot always say which host they mean."""
    for path in ("/healthz/live", "/healthz/ready"):
        response = Http(HTTP_HOST=host).get(path)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        assert response["X-Content-Type-Options"] == "nosniff"


def test_documents_of_clients_on_this_machine_are_for_developers_only_c16(settings: Any) -> None:
    assert checks.loopback_documents(None) == []
    settings.IDP_LOOPBACK_CLIENT_DOCUMENTS = True
    assert [(one.id, one.is_serious()) for one in checks.loopback_documents(None)] == [("idp.E001", True)]


def test_they_are_refused_where_the_issuer_is_not_on_this_machine_c16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_LOOPBACK_CLIENT_DOCUMENTS", "true")
    assert Environment().flag_on_loopback("IDP_LOOPBACK_CLIENT_DOCUMENTS", "http://localhost:8000")
    with pytest.raises(ImproperlyConfigured, match="for loopback issuers only"):
        Environment().flag_on_loopback("IDP_LOOPBACK_CLIENT_DOCUMENTS", "https://id.example.com")
