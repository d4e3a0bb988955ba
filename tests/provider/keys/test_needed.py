"""IDP_KEY_SECRETS changes: nobody drops one too early, and no key signs that servers cannot open."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command

from accounts.outbox import Outbox
from clients.models import SigningKey
from clients.models.keys import KeyState
from common.jws import ALGORITHMS
from common.sealing import Unreadable
from idp.checks import keys_open
from provider.keys.needed import needed
from tests.provider.keys.test_rotation import active_kid, later, rotatekeys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keys")]

NEW = "a new secret that is long enough, too"
PUBLISHED, KNOWN = {"minutes": 7.0}, {"minutes": 20.0}


@pytest.fixture
def old(settings: LazySettings) -> list[str]:
    """Keys were made; then the secret of a deployment changed, the old one behind the new one."""
    before = [*settings.IDP_KEY_SECRETS]
    settings.IDP_KEY_SECRETS = [NEW, *before]
    return before


def said_by(command: str, *arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_key_of_another_secret_is_told_when_it_is_published(old: list[str]) -> None:
    with later(**PUBLISHED):
        _out, err = said_by("rotatekeys")
    assert "RS256: the next key is encrypted under another of IDP_KEY_SECRETS than the one that signs." in err
    assert "restart every server with these IDP_KEY_SECRETS" in err


def test_it_signs_only_when_somebody_says_that_servers_have_its_secret(old: list[str]) -> None:
    """A timer that goes on by itself would end every signature on servers that were not restarted."""
    with later(**PUBLISHED):
        rotatekeys()
        before = active_kid()
    with later(**KNOWN):
        for arguments in ((), ("--dry-run",)):
            with pytest.raises(CommandError, match=r"rotatekeys --servers-restarted\. Nothing was changed\.$"):
                rotatekeys(*arguments)
        assert active_kid() == before
        assert [step["action"] for step in rotatekeys("--servers-restarted")] == ["activate"] * len(ALGORITHMS)
        assert active_kid() != before


def test_then_timers_go_on_by_themselves(old: list[str], settings: LazySettings) -> None:
    with later(**PUBLISHED):
        rotatekeys()
    with later(**KNOWN):
        rotatekeys("--servers-restarted")
    settings.IDP_KEY_SECRETS = [NEW]
    with later(minutes=40):
        assert said_by("rotatekeys")[1] == ""


def test_a_secret_that_did_not_change_is_no_reason_to_ask() -> None:
    with later(**PUBLISHED):
        assert said_by("rotatekeys")[1] == ""
    with later(**KNOWN):
        assert [step["action"] for step in rotatekeys()] == ["activate"] * len(ALGORITHMS)


def test_resealfactors_says_what_an_old_secret_is_needed_for_and_when_it_may_go(
    old: list[str], settings: LazySettings
) -> None:
    settings.IDP_KEY_SECRETS = old
    Outbox().send_messages([EmailMessage("subject", "text", "from@x.example", ["to@x.example"])])
    settings.IDP_KEY_SECRETS = [NEW, *old]
    assert set(needed()) == {2}
    said = said_by("resealfactors")[0]
    assert "The second is still needed by " in said
    assert "the active RS256 key" in said
    assert said.count("mail that waits") == 1
    told = json.loads(said_by("resealfactors", "--format", "json")[0])
    assert "the next ES256 key" in told["still_needed"]["2"]


def test_an_old_secret_may_go_when_nothing_needs_it(old: list[str]) -> None:
    with later(**PUBLISHED):
        rotatekeys()
    with later(**KNOWN):
        rotatekeys("--servers-restarted")
        said = said_by("resealfactors")[0]
    assert "Only the first is needed. Drop the others once every server was restarted with it." in said


def test_who_has_one_secret_is_told_nothing_of_others() -> None:
    assert said_by("resealfactors")[0] == "0 secrets are encrypted under the first of IDP_KEY_SECRETS.\n"


def test_a_key_that_opens_with_none_of_them_is_no_reason_to_drop_one(settings: LazySettings) -> None:
    settings.IDP_KEY_SECRETS = [NEW]
    with pytest.raises(Unreadable):
        needed()
    with pytest.raises(CommandError, match="Add the old secret back"):
        call_command("resealfactors")


@pytest.mark.parametrize("state", [KeyState.ACTIVE, KeyState.NEXT])
def test_check_deploy_tells_of_a_key_that_does_not_open(settings: LazySettings, state: KeyState) -> None:
    assert keys_open(None) == []
    SigningKey.objects.exclude(state=state).delete()
    settings.IDP_KEY_SECRETS = [NEW]
    problems = [str(one.msg) for one in keys_open(None)]
    assert [problem.startswith(f"The {state} ") for problem in problems] == [True] * len(ALGORITHMS)
