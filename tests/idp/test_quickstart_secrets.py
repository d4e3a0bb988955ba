"""var/secrets.env: what a loopback installation remembers."""

from __future__ import annotations

from pathlib import Path

from idp.environment import get_or_create_secret, local_secrets


def test_a_secret_is_made_once_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secrets.env"
    first = get_or_create_secret(path, "DEMO_PASSWORD", 12)
    assert len(first) == 16
    assert get_or_create_secret(path, "DEMO_PASSWORD") == first
    assert get_or_create_secret(path, "ANOTHER") != first
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    before = local_secrets(path)
    made = get_or_create_secret(path, "DEMO_PASSWORD")
    assert local_secrets(path) == {**before, "DEMO_PASSWORD": made}


def test_a_file_that_does_not_end_its_last_line_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("SECRET_KEY=typed by hand")
    made = get_or_create_secret(path, "DEMO_PASSWORD")
    assert local_secrets(path) == {"SECRET_KEY": "typed by hand", "DEMO_PASSWORD": made}


def test_the_first_line_of_a_name_counts(tmp_path: Path) -> None:
    """Two processes that add the same name at once both go on with the line that came first."""
    path = tmp_path / "secrets.env"
    path.write_text("NAME=first\nNAME=second\n")
    assert get_or_create_secret(path, "NAME") == "first"


def test_an_empty_value_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("NAME=\n")
    made = get_or_create_secret(path, "NAME")
    assert made
    assert get_or_create_secret(path, "NAME") == made
