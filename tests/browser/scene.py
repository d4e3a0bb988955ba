"""People in the midst of things: an account with apps, passkeys and a past, one just begun, one at the console.

`Scene` signs them in by way of our own pages and keeps the session cookies, for any browser to take over.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core import mail
from django.test import Client as Http
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from accounts.models import AccountEvent, SignIn, User
from clients.models import Client, RefusedRequest, SigningKey
from projects import inviting
from projects.actors import Actor
from projects.invitation import Invitation
from projects.inviting import Wanted
from projects.models import ApiScope, ConsentScreen, Project
from projects.upstream import registration
from projects.upstream.metadata import ConnectorMetadata
from provider.store import tallies
from tests.accounts.second_steps import code, enrol
from tests.provider.devices import Device, add_devices
from tests.world import ORDERS, App, Browser

WIDE = "openid profile email offline_access orders.read orders.write"
HERE = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1"
WORK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
AFTER_LOGOUT = "https://web.acme.example/bye"


class Scene:
    """Everything a page may show is there; `sessions` are the cookies of who is signed in, or on the way to it."""

    def __init__(self) -> None:
        self.owner, self.member, self.outsider = (
            User.objects.get(username=name) for name in ("owner", "member", "outsider")
        )
        self.root = User.objects.create_superuser("root", "root@people.example", "root-pw", first_name="Robin")
        _furnish(self.owner)
        _connect(self.owner)
        self.passkey = _passkey(self.owner, "My phone")
        _passkey(self.owner, "The key on my key ring")
        Browser("member", Http(REMOTE_ADDR="192.0.2.44")).tokens("web", scope="openid email")
        self.member.set_password("member-pw")
        self.outsider.set_unusable_password()
        self.outsider.save()
        self.next_key = SigningKey.objects.filter(state="next")[0]
        self.sessions = {
            "owner": _signed_in("owner", "owner-pw", code()),
            "half way": _signed_in("owner", "owner-pw"),
            "member": _signed_in("member", "member-pw"),
            "root": _signed_in("root", "root-pw"),
            "outsider": _forced(self.outsider),
        }
        _make_a_past(self.owner)
        add_devices()
        self.device = Device().begin(scope=WIDE, audience=ORDERS)

    def reset_link(self) -> str:
        Http().post("/accounts/password/reset/", {"email": self.member.email})
        found = re.search(r"/accounts/password/reset/key/\S+/", str(mail.outbox[-1].body))
        assert found
        return found[0]

    def invitation_link(self, address: str) -> str:
        """A mail with this link, of which only a digest is kept."""
        wanted, acme = Wanted(email=address, role="editor"), Project.objects.get(key="acme")
        row = inviting.invite(wanted, acme, Actor.person(self.owner))
        token = f"t{row.pk.hex}"
        Invitation.objects.filter(pk=row.pk).update(digest=inviting.digest_of(token))
        return f"/accounts/invitation/{token}/"

    def confirm_link(self, address: str) -> str:
        key = EmailConfirmationHMAC(EmailAddress.objects.get(email=address)).key
        return f"/accounts/confirm-email/{key}/"


def _furnish(owner: User) -> None:
    """Second steps, addresses, and apps with access: one that was asked for much, one other, one of the house."""
    enrol(owner)
    for address, verified in (("olive@home.example", True), ("olive.owner@work.example", False)):
        EmailAddress.objects.create(user=owner, email=address, verified=verified)
    ApiScope.objects.filter(name="orders.write").update(sensitive=True)
    ConsentScreen.objects.filter(project__key="acme").update(
        homepage_uri="https://acme.example/", tos_uri="https://acme.example/terms"
    )
    Client.objects.filter(client_id="picky").update(sign_in="groups", scope=WIDE)
    Client.objects.filter(client_id="web").update(post_logout_redirect_uris=AFTER_LOGOUT)
    browser = Browser("owner", Http(headers={"user-agent": WORK}, REMOTE_ADDR="198.51.100.7"))
    browser.tokens("web", scope="openid email offline_access orders.read", audience=ORDERS)
    browser.code("sibling", scope="openid email")
    browser.code("stranger")
    browser.code("desk", scope="openid email")


def _connect(owner: User) -> None:
    """Two providers elsewhere; the owner signs in by one of them."""
    for key, name in (("corp", "Corp"), ("guild", "The guild")):
        wanted = ConnectorMetadata(id=key, name=name, issuer=f"https://{key}.example", client_id="vestibule")
        registration.register(wanted, Actor.operator("scene"))
    tree = ConnectorMetadata(
        id="tree", name="Directory", kind="ldap", issuer="ldaps://ldap.corp.example", search_base="dc=corp,dc=example"
    )
    registration.register(tree, Actor.operator("scene"))
    SocialAccount.objects.create(user=owner, provider="corp", uid="1")


def _passkey(owner: User, name: str) -> Authenticator:
    """What a browser without attestation registers (Web Authentication section 6.1)."""
    public = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    credential = AttestedCredentialData.create(b"\0" * 16, name.encode(), public)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    data = AuthenticatorData.create(b"\0" * 32, flags, 0, credential)
    response = {
        "clientDataJSON": websafe_encode(b'{"type": "webauthn.create", "challenge": "", "origin": "http://localhost"}'),
        "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
    }
    sent = {"id": websafe_encode(name.encode()), "rawId": websafe_encode(name.encode()), "type": "public-key"}
    kept = {"name": name, "credential": {**sent, "response": response}}
    row: Authenticator = Authenticator.objects.create(user=owner, type=Authenticator.Type.WEBAUTHN, data=kept)
    return row


def _make_a_past(owner: User) -> None:
    """Browsers elsewhere, and what happened when."""
    now = timezone.now()
    SignIn.objects.create(user=owner, user_agent=PHONE, address="2001:db8:85a3::8a2e:370:7334", amr=["swk", "mfa"])
    for days, kind, address in (
        (0.1, "sign_in", "2001:db8:85a3::8a2e:370:7334"),
        (2, "sign_in.failed", "203.0.113.99"),
        (5, "factor.webauthn_added", "198.51.100.7"),
        (30, "password.changed", "198.51.100.7"),
    ):
        row = AccountEvent.objects.create(sub=str(owner.sub), kind=kind, address=address)
        AccountEvent.objects.filter(pk=row.pk).update(at=now - timedelta(days=days))
    App("web").token(grant_type="client_credentials", audience="urn:acme:nowhere")
    _count(now)


def _count(now: datetime) -> None:
    """Tokens and refusals of a week, for the charts of the console."""
    code, refresh, service = "authorization_code", "refresh_token", "client_credentials"
    for back, numbers in enumerate([(31, 64, 12), (44, 80, 12), (12, 30, 12), (9, 22, 12), (52, 97, 13), (48, 90, 12)]):
        day = now - timedelta(days=back + 1)
        for grant_type, number in zip((code, refresh, service), numbers, strict=True):
            tallies.add(day.date(), "web", grant_type, number)
        error = "invalid_grant" if back % 2 else "invalid_redirect_uri"
        same = {"hour": day, "first_at": day, "last_at": day, "client_id": "sibling", "endpoint": "token"}
        RefusedRequest.objects.create(**same, error=error, step="grant", count=back + 1, request_ids=f"past{back}")


def _signed_in(username: str, password: str, second: str = "") -> str:
    http = Http(headers={"user-agent": HERE}, REMOTE_ADDR="198.51.100.23")
    http.post("/accounts/login/", {"login": username, "password": password})
    if second:
        http.post("/accounts/two-step/sign-in/", {"code": second})
    return str(http.cookies[settings.SESSION_COOKIE_NAME].value)


def _forced(user: User) -> str:
    http = Http(headers={"user-agent": HERE})
    http.force_login(user)
    return str(http.cookies[settings.SESSION_COOKIE_NAME].value)


def cookie(value: str, url: str) -> Any:
    return {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": url}
