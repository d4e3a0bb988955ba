"""`manage.py applyconfig`: what it prints where, and how it exits."""

from __future__ import annotations

import getpass
import hashlib
import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clients import secrets
from clients.models import Client, SecurityEvent
from projects.models import Project
from tests.idp.configuration import SMALL, changed

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(SMALL)
    return path


def run(*arguments: Any) -> str:
    output = io.StringIO()
    call_command("applyconfig", *map(str, arguments), stdout=output, stderr=io.StringIO())
    return output.getvalue()


def refused(*arguments: Any) -> CommandError:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return error.value


def test_it_says_what_it_did(file: Path) -> None:
    assert run(file).splitlines() == [
        "created user demo",
        "created project acme",
        "created API https://api.acme.example/orders",
        "created client web",
    ]
    assert Client.objects.get().client_id == "web"
    assert run(file) == "Nothing to change.\n"
    file.write_text(changed(SMALL, "scope: openid", "scope: openid email"))
    assert run(file) == "updated client web: scope\n"


def test_a_dry_run_says_what_it_would_do_and_does_not(file: Path) -> None:
    assert run(file, "--dry-run").splitlines()[0] == "would create user demo"
    assert not Project.objects.exists()


def test_a_check_exits_with_2_on_drift_and_stores_nothing(file: Path) -> None:
    assert refused(file, "--check").returncode == 2
    assert not Project.objects.exists()
    run(file)
    assert run(file, "--check") == ""
    Client.objects.update(scope="openid email")
    assert refused(file, "--check").returncode == 2
    assert Client.objects.get().scope == "openid email"


def test_problems_exit_with_1_and_name_file_line_and_path(file: Path) -> None:
    file.write_text(changed(SMALL, "scope: openid", "scopes: openid"))
    error = refused(file)
    assert error.returncode == 1
    assert str(error) == (
        f"Nothing was applied.\n{file}:19: projects[0].clients[0].scopes: Unknown key 'scopes'. Did you mean 'scope'?"
    )


def test_a_check_of_a_bad_file_is_an_error_not_drift(file: Path) -> None:
    file.write_text("version: 7")
    assert refused(file, "--check").returncode == 1


def test_a_made_secret_is_printed_once(file: Path) -> None:
    file.write_text(changed(SMALL, "        client_secret: a given secret\n", ""))
    assert "made now" not in run(file, "--dry-run")
    lines = run(file).splitlines()
    name, secret = lines[-1].split()
    assert name == "web"
    assert secrets.matches(secret, Client.objects.get().secrets.get().digest)
    assert lines[-2] == "These secrets were made now. Keep them: they cannot be shown again."
    assert run(file) == "Nothing to change.\n"


def test_a_given_secret_is_never_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("applyconfig", str(file))
    call_command("applyconfig", str(file), "--format", "json")
    printed = capsys.readouterr()
    assert "a given secret" not in printed.out + printed.err
    assert "secret words" not in printed.out + printed.err


def test_json_alone_is_on_standard_output(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(changed(SMALL, "        client_secret: a given secret\n", ""))
    call_command("applyconfig", str(file), "--format", "json")
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["applied"] is True
    assert answer["changed"] is True
    assert answer["changes"][1] == {"kind": "project", "name": "acme", "action": "created", "fields": ["name"]}
    assert list(answer["generated_secrets"]) == ["web"]
    assert printed.err == f"Applying {file}\n"

    call_command("applyconfig", str(file), "--format", "json", "--check")
    again = json.loads(capsys.readouterr().out)
    assert (again["applied"], again["changed"], again["generated_secrets"]) == (False, False, {})


def test_problems_are_json_too(file: Path) -> None:
    file.write_text("version: 1\nusers: 7\n")
    output = io.StringIO()
    with pytest.raises(CommandError):
        call_command("applyconfig", str(file), "--format", "json", stdout=output, stderr=io.StringIO())
    assert json.loads(output.getvalue()) == {
        "applied": False,
        "problems": [{"path": "users", "line": 2, "message": "This must be a list, not a number."}],
    }


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SMALL.encode())))
    assert "created client web" in run("-")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"version: 2")))
    assert "<stdin>:1: version: " in str(refused("-"))


def test_a_byte_order_mark_is_no_mistake(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert "created client web" in run(file)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert str(refused(tmp_path / "none.yaml")) == f"{tmp_path}/none.yaml cannot be read: No such file or directory."
    assert str(refused(tmp_path)) == f"{tmp_path} cannot be read: Is a directory."
    assert "cannot be read: embedded null byte" in str(refused("a\0b"))
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    assert str(refused(tmp_path / "latin.yaml")).endswith("is not UTF-8 text (byte 4). Save it as UTF-8.")
    (tmp_path / "huge.yaml").write_bytes(b"x" * 4_000_001)
    assert str(refused(tmp_path / "huge.yaml")).endswith("is too large: at most 1,000,000 characters.")


def test_an_applied_file_is_on_record_with_who_its_digest_and_every_change(file: Path) -> None:
    people = "".join(f"  - {{username: person{number}}}\n" for number in range(300))
    file.write_text(f"version: 1\nusers:\n{people}")
    run(file, "--by", "pat@build")
    detail = SecurityEvent.objects.get(kind="configuration.applied").detail
    assert (detail["source"], detail["by"]) == (str(file), "pat@build")
    assert detail["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert detail["changes"] == [f"created user person{number}" for number in range(300)]


def test_who_applied_a_file_is_the_user_of_the_system_unless_somebody_says_otherwise(file: Path) -> None:
    run(file)
    by = SecurityEvent.objects.get(kind="configuration.applied").detail["by"]
    assert by == f"{getpass.getuser()}@{socket.gethostname()}"
