"""Whatever a file contains, the answer is a report or a list of problems: never another exception."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from idp.configuration import ConfigurationError, apply
from idp.configuration.reading import MAX_CHARACTERS
from projects.models import Project
from tests.idp.configuration import EXAMPLE, SMALL

pytestmark = pytest.mark.django_db


# Each example is taken back, so that the next one starts from nothing.
hostile = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -1, 0, 2**31, 2**63]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "\0", "a\0b", "\ud800", "x" * 300, "x" * 20_000, "\u202e", "https://[::1", "https://a.example:99999"]
    ),
    st.sampled_from(["javascript:alert(1)", "env:", "env:A\nB", "admin", "openid", "\r\n", "é" * 200, "{}", "١٢٣"]),
    st.binary(max_size=5),
    st.dates(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.one_of(st.text(max_size=5), st.integers(), st.none()), st.integers(), max_size=3),
    st.builds(lambda: {"keys": {"keys": []}}),
)


def tried(source: Any) -> None:
    """Apply and take back; anything but a configuration error fails the test."""
    told = "nothing wrong"
    try:
        apply(source, dry_run=True, environ={})
    except ConfigurationError as error:
        told = str(error)
    assert told.encode()


def spots(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The address of every value in the tree."""
    children: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(spot for key, child in children for spot in spots(child, (*at, key)))]


def replaced(value: Any, spot: tuple[Any, ...], junk: Any) -> Any:
    if not spot:
        return junk
    copy = value.copy()
    copy[spot[0]] = replaced(value[spot[0]], spot[1:], junk)
    return copy


WHOLE = yaml.safe_load(EXAMPLE)
WHOLE["projects"][1]["clients"][0]["client_secrets"] = [{"secret_hash": "x", "label": "a", "expires_at": "2030-01-01"}]
SPOTS = spots(WHOLE)


@hostile
@given(spot=st.sampled_from(SPOTS), junk=JUNK)
def test_junk_anywhere_in_a_good_file_is_told(spot: tuple[Any, ...], junk: Any) -> None:
    tried(replaced(WHOLE, spot, junk) if spot else {"": junk})


@pytest.mark.any_database
@hostile
@given(spot=st.sampled_from(SPOTS[1:]), key=st.text(max_size=30), junk=JUNK)
def test_unknown_keys_anywhere_are_told(spot: tuple[Any, ...], key: str, junk: Any) -> None:
    tried(replaced(WHOLE, spot, {key: junk}))


@pytest.mark.any_database
@hostile
@given(text=st.text())
def test_any_text_is_told(text: str) -> None:
    tried(text)


@pytest.mark.any_database
@hostile
@given(cut=st.integers(0, len(SMALL)), length=st.integers(0, 20), text=st.text(max_size=10))
def test_a_damaged_file_is_told(cut: int, length: int, text: str) -> None:
    tried(SMALL[:cut] + text + SMALL[cut + length :])


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The file is empty. Start it with 'version: 1'."),
        ("# nothing", "The file is empty. Start it with 'version: 1'."),
        ("[]", "This must be a mapping of keys and values, not a list."),
        ("just words", "This must be a mapping of keys and values, not text."),
        ("[" * 5000, "This is not valid YAML: it is nested too deeply."),
        ("a: &a [*a]", "The file is nested too deeply."),
        ('a: "\\UFFFFFFFF"', "This is not valid YAML."),
        ("a: \x07", "The character U+0007 is not allowed in YAML."),
        (
            "a: !!python/object/apply:os.system [x]",
            "Unknown key 'a'. Known here: version, users, projects, attributes, groups, connectors.",
        ),
        ("version: !!python/name:os.system x", "This version of the format is not known. Write 'version: 1'."),
        ("x" * (MAX_CHARACTERS + 1), "The file is too large: at most 1,000,000 characters."),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_read_is_told(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        apply(text)
    assert message in str(refused.value)


@pytest.mark.any_database
def test_aliases_that_unfold_without_end_are_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match="The file is too large: at most 100,000 values"):
        apply("\n".join(lines))
    assert time.monotonic() - started < 20


def test_anchors_are_fine_where_they_help() -> None:
    text = """\
version: 1
projects:
  - id: acme
    name: Acme
    clients:
      - {client_id: one, scope: &scopes openid email}
      - {client_id: two, scope: *scopes}
"""
    apply(text)
    assert {one.scope for one in Project.objects.get().clients.all()} == {"openid email"}


def test_a_mapping_that_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = {"version": 1}
    endless["users"] = [endless]
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        apply(endless)
    assert not User.objects.exists()
