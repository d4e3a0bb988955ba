"""Dovecot takes an access token as the password of a mailbox, and asks the provider about it."""

from __future__ import annotations

import imaplib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foreign.programs.bearer import refused, right_token, wrong_tokens
from tests.foreign.programs.recipes import API_SECRET, Place
from tests.foreign.programs.running import lacks, running

DOVECOT = Path("/usr/sbin/dovecot")  # where Debian's packages put it
LACKING = lacks(DOVECOT) or ("" if os.geteuid() == 0 else "needs root for dovecot")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]
# Alone on loopback, its files in a folder of its own, and quick to say no.
AROUND = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = /dev/stderr
protocols = imap
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
mail_location = maildir:~/
"""


@pytest.fixture
def place(issuer: str) -> Iterator[Place]:
    """Its processes are other users, who may not look into the folders of tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "mail").mkdir()
        (folder / "mail").chmod(0o777)
        yield Place(issuer, folder)


def opens(place: Place, username: str, token: str, mechanism: str = "XOAUTH2") -> bool:
    """Whether this token opens the mailbox."""
    first = f"user={username}" if mechanism == "XOAUTH2" else f"n,a={username},"
    with imaplib.IMAP4(place.host, place.port, timeout=30) as mail:
        try:
            mail.authenticate(mechanism, lambda _none: f"{first}\1auth=Bearer {token}\1\1".encode())
        except imaplib.IMAP4.error:
            return False
        return mail.select("INBOX")[0] == "OK"


def test_a_mailbox_opens_with_a_token_of_its_owner_alone(place: Place) -> None:
    api = place.register_api()
    asks = place.recipe("dovecot-oauth2.conf.ext").replace("WIKI_API_SECRET", API_SECRET)
    place.save("dovecot-oauth2.conf.ext", asks)
    settings = place.recipe("oauth2.conf").replace("/etc/dovecot", str(place.folder))
    place.save("dovecot.conf", AROUND.format(folder=place.folder, port=place.port) + settings)
    token = right_token(place, api)
    with running([DOVECOT, "-F", "-c", place.folder / "dovecot.conf"], place.folder, place.port):
        assert opens(place, "owner", token)
        assert opens(place, "owner", token, "OAUTHBEARER")
        assert not opens(place, "member", token), "the mailbox of somebody else"
        assert not opens(place, "owner", right_token(place, api, "openid profile")), "the scope is missing"
        ask = lambda one: 200 if opens(place, "owner", one) else 401  # noqa: E731
        assert refused(ask, wrong_tokens(place, api)) == {}
