"""Whose account a sign-in from elsewhere opens, as rows: the facts of the rule, and what it decided, done at once.

Linked people are allauth's `SocialAccount` rows, under the key of the connector. Nothing that was told is kept there.
"""

from __future__ import annotations

from collections.abc import Mapping

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts import emails, events, normalization, notices
from accounts.adapter import AccountAdapter
from accounts.models import AccountEventKind, User
from common.json_type import Json
from projects.upstream.choices import Kind
from projects.upstream.linking import Facts, Outcome, Person, decide
from projects.upstream.mapping import apply_attributes, apply_groups, name_facts
from projects.upstream.models import Connector
from projects.upstream.told import Told, text_of


def person(user: User) -> Person:
    return Person(user.pk, active=user.is_active, staff=user.is_staff or user.is_superuser)


def address_of(told: Told) -> str:
    """The address in our spelling; empty: there is none that mail can be sent to.

    Other letters before the @ than ours were proved of another mailbox than this, as `accounts/emails.py` has it.
    """
    address = normalization.mail_address(told.email)
    if not normalization.is_same_mailbox(told.email, address):
        return ""
    try:
        normalization.check_mail_address(address)
    except ValidationError:
        return ""
    return address if len(address) <= normalization.MAX_MAIL_ADDRESS else ""


def owns(connector: Connector, told: Told, domain: str) -> bool:
    """Whether its word is the domain's. Google's is for customers of Workspace only (`hd`): anybody else has proved
    once that they read a mailbox, as at GitHub, and whoever has it now may be another person."""
    if domain not in connector.owns_domains or connector.kind == Kind.GITHUB:
        return False
    return connector.kind != Kind.GOOGLE or normalization.small(text_of(told.claims.get("hd"))) == domain


def facts_of(connector: Connector, told: Told, connecting: User | None) -> tuple[Facts, User | None]:
    """What the rule asks, and the account that it may speak of."""
    address = address_of(told) if told.email_verified else ""
    owned = bool(address) and owns(connector, told, address.rpartition("@")[2])
    linked = SocialAccount.objects.filter(provider=connector.key, uid=told.uid).select_related("user").first()
    by_address = _whose(address) if owned else None
    found = Facts(
        linked=person(linked.user) if linked else None,
        connecting=person(connecting) if connecting else None,
        verified=bool(address) and (owned or connector.trusts_email),
        owned=owned,
        by_address=person(by_address) if by_address else None,
        taken=bool(address) and is_taken(address),
        creates=connector.creates_people,
        open=settings.IDP_SIGNUP_OPEN,
    )
    return found, linked.user if linked else by_address


def _whose(address: str) -> User | None:
    """Who has it verified; or whom a directory brought with it, and who cannot have signed in by anything yet. Such an
    account holds nothing that the owner of the domain could be kept from."""
    row = EmailAddress.objects.filter(email=address, verified=True).select_related("user").first()
    if row is not None:
        found: User = row.user
        return found
    nobody_yet = {"is_staff": False, "is_superuser": False, "socialaccount": None, "authenticator": None}
    brought = User.objects.filter(email=address, provisioned__isnull=False, **nobody_yet).first()
    return brought if brought is not None and not brought.has_usable_password() else None


def is_linked(connector: Connector, told: Told, user: User | None) -> bool:
    """Whether this sign-in opens the account of this person already."""
    return bool(SocialAccount.objects.filter(provider=connector.key, uid=told.uid, user=user).exists())


def is_taken(address: str) -> bool:
    """Whether anybody here has it, verified or not."""
    return (
        User.objects.filter(email__iexact=address).exists()
        or EmailAddress.objects.filter(email=address, verified=True).exists()
    )


def settle(
    request: HttpRequest, connector: Connector, told: Told, connecting: User | None
) -> tuple[Outcome, User | None]:
    """Decide and do: all of it, or nothing. Of two at once for the same person one comes second, and finds the row."""
    try:
        with transaction.atomic():
            return _settled(request, connector, told, connecting)
    except IntegrityError:
        with transaction.atomic():
            return _settled(request, connector, told, connecting)


def _settled(
    request: HttpRequest, connector: Connector, told: Told, connecting: User | None
) -> tuple[Outcome, User | None]:
    found, user = facts_of(connector, told, connecting)
    outcome = decide(found)
    if outcome is Outcome.LINK:
        user = connecting
    if outcome in (Outcome.CREATE, Outcome.CREATE_WITHOUT_ADDRESS):
        user = _create(connector, told, address_of(told) if outcome is Outcome.CREATE else "")
    new = outcome in (Outcome.LINK, Outcome.LINK_AND_SIGN_IN, Outcome.CREATE, Outcome.CREATE_WITHOUT_ADDRESS)
    if user is not None and new:
        SocialAccount.objects.create(user=user, provider=connector.key, uid=told.uid)
        events.record(user, AccountEventKind.LINKED, request, connector=connector.key)
    if user is not None and outcome is Outcome.LINK_AND_SIGN_IN:  # by an address that the owner of its domain proved
        rows = EmailAddress.objects.filter(user=user, email=address_of(told), verified=False)
        if rows.update(verified=True):
            emails.touch(user)
    if user is not None and outcome in (Outcome.LINK, Outcome.LINK_AND_SIGN_IN):
        notices.tell(user, "socialaccount/email/account_connected", {"provider": connector.name})
    if user is not None and (new or outcome is Outcome.SIGN_IN):
        apply_attributes(user, connector, told.claims)
        apply_groups(user, connector, told.claims)
    return outcome, user


def _create(connector: Connector, told: Told, address: str) -> User:
    """Somebody new, without a password. An address that nobody vouches for is not theirs yet: they may add it later."""
    facts = name_facts(told.claims)
    user = User(username=_username(told.claims, told.email), email=address, **facts)
    user.set_unusable_password()
    user.save()
    if address:
        EmailAddress.objects.create(user=user, email=address, primary=True, verified=True)
    return user


def _username(claims: Mapping[str, Json], email: str) -> str:
    """A name that nobody has, without an @: with one it could look like somebody else's address."""
    wanted = [text_of(claims.get("preferred_username")), email, text_of(claims.get("name")), "person"]
    name: str = AccountAdapter().generate_unique_username([one.partition("@")[0][:100] or None for one in wanted])
    return name
