"""What a variable says is what happens: read from a file or not, and not at all only when somebody is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from idp.environment import Environment
from idp.variables import misspelt, text_of
from tests.idp.test_settings import run, value_of

KNOWN = ("IDP_REFRESH_GRACE_SECONDS", "IDP_KEY_SECRETS", "IDP_ISSUER")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"words", "words"),
        (b"words\n", "words"),
        (b"words\r\n", "words"),
        (b"\xef\xbb\xbfwords\r\n", "words"),
        (b"words\n\n", "words\n"),
        (b" words ", " words "),
        (b"two\r\nlines\n", "two\r\nlines"),
        (b"\n", ""),
        ("wörter\n".encode(), "wörter"),
        (b"$words", "$words"),
    ],
)
def test_a_file_gives_its_text_without_one_line_end_and_a_mark(tmp_path: Path, data: bytes, value: str) -> None:
    file = tmp_path / "value"
    file.write_bytes(data)
    assert text_of("NAME", {"NAME_FILE": str(file)}) == value


def test_the_text_of_a_variable_stays_as_it_is() -> None:
    assert text_of("NAME", {"NAME": "words\r\n"}) == "words\r\n"
    assert text_of("NAME", {}) is None


@pytest.mark.parametrize("data", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_told_and_not_shown(tmp_path: Path, data: bytes | None) -> None:
    file = tmp_path / "value"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(ImproperlyConfigured, match="NAME_FILE names a file that "):
        text_of("NAME", {"NAME_FILE": str(file)})


@pytest.mark.parametrize("name", ["SECRET_KEY", "IDP_KEY_SECRETS", "IDP_ISSUER", "DEFAULT_FROM_EMAIL"])
def test_every_variable_is_read_from_a_file_alike(tmp_path: Path, name: str) -> None:
    value = {"IDP_ISSUER": "http://localhost:9000", "DEFAULT_FROM_EMAIL": "v@people.example"}.get(name, "v" * 40)
    file = tmp_path / "value"
    file.write_bytes(b"\xef\xbb\xbf" + value.encode() + b"\r\n")
    assert value_of(name, **{f"{name}_FILE": str(file)}) == value_of(name, **{name: value})


def test_a_value_that_begins_like_the_name_of_another_variable_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would go on to a variable `ECRET`, and take the default when there is none."""
    monkeypatch.setenv("ADMIN_PASSWORD", "$ECRET")
    assert Environment().str("ADMIN_PASSWORD", default="") == "$ECRET"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "IDP_REFRESH_GRACE_SECOND",
            "IDP_REFRESH_GRACE_SECOND is no variable of this version. Did you mean IDP_REFRESH_GRACE_SECONDS?",
        ),
        (
            "IDP_KEY_SECRET_FILE",
            "IDP_KEY_SECRET_FILE is no variable of this version. Did you mean IDP_KEY_SECRETS_FILE?",
        ),
        ("IDP_ZZZ", "IDP_ZZZ is no variable of this version."),
    ],
)
def test_a_misspelt_variable_is_told_with_the_name_that_comes_nearest(name: str, sentence: str) -> None:
    right = {"IDP_ISSUER": "x", "IDP_KEY_SECRETS_FILE": "x", "OTHER_ISSUER": "x"}
    assert misspelt(KNOWN, right) == []
    assert misspelt(KNOWN, right | {name: "secret"}) == [sentence]


def test_every_command_tells_of_a_misspelt_variable_and_shows_no_value() -> None:
    done = run("manage.py", "check", IDP_REFRESH_GRACE_SECOND="topsecret")
    assert done.returncode == 0
    assert "Did you mean IDP_REFRESH_GRACE_SECONDS?" in done.stderr
    assert "topsecret" not in done.stderr + done.stdout


def test_a_variable_that_is_right_is_no_reason_for_a_warning() -> None:
    done = run("manage.py", "check", IDP_REFRESH_GRACE_SECONDS="30", IDP_SLOW_HASHES="2", IDP_SHARED_NETWORKS="")
    assert "(idp.W007)" not in done.stderr


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("", None),
        ("9100", ("127.0.0.1", 9100)),
        (":9100", ("127.0.0.1", 9100)),
        ("10.0.0.1:9100", ("10.0.0.1", 9100)),
        ("[::1]:9100", ("::1", 9100)),
    ],
)
def test_a_port_alone_is_listened_on_for_this_machine(
    value: str, place: tuple[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDP_METRICS_LISTEN", value)
    assert Environment().listener("IDP_METRICS_LISTEN") == place


@pytest.mark.any_database
@pytest.mark.parametrize("value", ["0", "70000", "localhost:9100", "10.0.0.1", "10.0.0.1:http", "[::1"])
def test_what_nobody_can_listen_on_stops_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_METRICS_LISTEN", value)
    with pytest.raises(ImproperlyConfigured, match="IDP_METRICS_LISTEN must look like 9100 or"):
        Environment().listener("IDP_METRICS_LISTEN")


@pytest.mark.any_database
@pytest.mark.parametrize(("value", "hour"), [("", None), ("24", None), ("-1", None), ("0", 0), ("23", 23)])
def test_an_hour_is_one_of_the_day(value: str, hour: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_CLEARING_HOUR", value)
    if hour is not None:
        assert Environment().hour("IDP_CLEARING_HOUR", default=3) == hour
        return
    with pytest.raises(ImproperlyConfigured, match="IDP_CLEARING_HOUR must be "):
        Environment().hour("IDP_CLEARING_HOUR", default=3)


def test_a_variable_that_is_there_and_empty_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose writes `NAME: ${NAME:-}`."""
    monkeypatch.setenv("IDP_SCIM_ENDINGS_PER_HOUR", "")
    monkeypatch.setattr(Environment, "read", set())
    assert Environment().number_or_unsaid("IDP_SCIM_ENDINGS_PER_HOUR") is None
    assert misspelt(Environment.read, {"IDP_SCIM_ENDINGS_PER_HOUR": ""}) == []


def test_a_sender_that_is_empty_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_FROM_EMAIL", " ")
    assert Environment().sender("DEFAULT_FROM_EMAIL", "no-reply@::1") == "no-reply@::1"


@pytest.mark.parametrize("value", ["nobody", "a@b\nBcc: c@d", "a@b@c", "Acme", "<>"])
def test_a_sender_that_no_mail_can_have_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DEFAULT_FROM_EMAIL", value)
    with pytest.raises(ImproperlyConfigured, match="must look like no-reply@"):
        Environment().sender("DEFAULT_FROM_EMAIL", "")
