"""Each check passes here, and fails at a provider with the fault that it is there for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from idp.conformance import FAILED, NOT_APPLICABLE, PASSED, scene, vectors
from idp.conformance import run as running
from idp.conformance.app import Provider
from idp.conformance.check import Check
from idp.conformance.examination import run_of
from idp.conformance.http import Answer
from idp.conformance.run import NOBODY, Run
from idp.conformance.runner import verdict
from idp.conformance.table import AT_ONCE, CHECKS, LAST, LATER
from projects.commands import operator
from tests.idp.conformance.faults import FAULTS, OF_DISCOVERY, OF_THE_RUN
from tests.idp.conformance.here import Fault, Here, as_json, doing_nothing, granting

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
BY = operator("doctor")
NO_TOKEN = as_json({"error": "invalid_target"}, 400)
OWN = [one for one in (*AT_ONCE, *LATER, *LAST) if one.group != "audience"]


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture
def run(keys: None, here: Here, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Nothing is waited for."""
    monkeypatch.setattr(running, "SOON", 0.0)
    monkeypatch.setattr(running, "rest", lambda _seconds: None)
    provider = Provider("http://localhost:8000", here)
    provider.discover()
    with scene.made(BY, vectors.entries) as made:
        yield run_of(provider, made, BY)


def failure(run: Run, check: Check) -> str:
    """What it says; empty when it did not fail, or only broke."""
    one = verdict(check, partial(_look, run, check))
    return one.got if one.state == FAILED and one.got.startswith("Came: ") else ""


def _look(run: Run, check: Check) -> None:
    for _step in check.sees(run) or ():
        pass


def test_every_check_has_a_fault() -> None:
    assert sorted(one.name for one in OWN) == sorted([*FAULTS, *OF_DISCOVERY, *OF_THE_RUN])
    assert len({one.name for one in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("module", sorted({one.sees.__module__.rpartition(".")[2] for one in OWN}))
def test_a_fault_is_seen_by_the_check_that_is_there_for_it(module: str, run: Run, here: Here) -> None:
    checks = [one for one in OWN if one.sees.__module__.endswith(f".{module}")]
    run.browser  # noqa: B018 - signed in before anything is wrong
    unseen = []
    for check in checks:
        said = run.provider.metadata
        if check.name in OF_DISCOVERY:
            name, value = OF_DISCOVERY[check.name]
            run.provider.metadata = {**said, name: value}
        else:
            here.fault = FAULTS.get(check.name) or OF_THE_RUN[check.name](run)
        if not failure(run, check):
            unseen.append(check.name)
        here.fault, run.provider.metadata = None, said
    assert unseen == []


@pytest.mark.parametrize(
    ("fault", "allow"), [(granting("/oauth2/token"), False), (doing_nothing("/oauth2/token", NO_TOKEN), True)]
)
def test_vectors_see_whoever_gives_too_much_or_too_little(fault: Fault, allow: bool, run: Run, here: Here) -> None:
    here.fault = fault
    listed = [one.own(one.entry, run.scene.tag) in run.scene.listed for one in vectors.VECTORS]
    seen = [
        bool(failure(run, check)) == (vector.allow == allow)
        for vector, check, known in zip(vectors.VECTORS, vectors.ROWS, listed, strict=True)
        if known
    ]
    assert len(seen) > 30
    assert all(seen)


def test_where_every_request_is_pushed_they_are(run: Run) -> None:
    """Refusals come from another endpoint then, and what cannot be asked any more says so."""
    run.provider.metadata = {**run.provider.metadata, "require_pushed_authorization_requests": True}
    names = (
        *("oidcc-server-client-secret-post", "oidcc-response-type-missing", "oidcc-ensure-post-request-succeeds"),
        *("safety-redirect-uri-near-misses", "safety-pkce-s256-only"),
    )
    found = {one.name: verdict(one, partial(_look, run, one)).state for one in OWN if one.name in names}
    assert found == {**dict.fromkeys(names, PASSED), "oidcc-ensure-post-request-succeeds": NOT_APPLICABLE}


def test_where_nobody_can_sign_in_one_check_says_so_and_the_others_look_at_nothing(run: Run, here: Here) -> None:
    here.fault = doing_nothing("/accounts/login/", Answer(503))
    by_name = {one.name: verdict(one, partial(_look, run, one)) for one in OWN if "userinfo" in one.name}
    assert {one.state for one in by_name.values()} == {NOT_APPLICABLE}
    assert {one.got for one in by_name.values()} == {NOBODY}
    [sign_in] = [one for one in OWN if one.name == "safety-sign-in"]
    assert failure(run, sign_in)
