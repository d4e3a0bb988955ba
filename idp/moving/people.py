"""People of another system become accounts: with their `sub`, their hash and the addresses that they verified.

Whoever is here already is left as they are, so it can be done again. Nothing of an account is guessed: where two rows,
or a row and an account, want the same name, address or `sub`, the row is refused and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower

from accounts import attributes, groups, normalization, subjects
from accounts.attributes import STANDARD, Definition, Editor
from accounts.events import By, Whoever
from accounts.models import Group, User
from clients.models import Client
from common import clock
from common.hashers import as_kept, problem_of_hash

BATCH = 1000
UNUSABLE = "!"
NOBODY = Whoever(name="import")
_CHECKED = ("username", "email", "first_name", "last_name")


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody of the other system. `where`: how whoever runs this finds the row."""

    where: str
    username: str
    email: str = ""
    email_verified: bool = False
    password: str = ""  # a hash; empty: none
    sub: str = ""  # empty: a new one
    first_name: str = ""
    last_name: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)
    groups: tuple[str, ...] = ()  # their names
    is_active: bool = True
    is_staff: bool = False
    is_superuser: bool = False
    joined: datetime | None = None
    key: str = ""  # what other rows of there call them by
    verified: tuple[str, ...] = ()  # further addresses


@dataclass(frozen=True, slots=True)
class Refusal:
    where: str
    name: str
    why: str

    def as_dict(self) -> dict[str, str]:
        return {"where": self.where, "name": self.name, "why": self.why}


@dataclass(slots=True)
class Outcome:
    """What came of all rows. `accounts`: by `Row.key`, those that are here now; `made`: those of this run."""

    made: int = 0
    known: int = 0
    refused: list[Refusal] = field(default_factory=list)
    without_password: list[Refusal] = field(default_factory=list)
    without_address: list[Refusal] = field(default_factory=list)
    accounts: dict[str, int] = field(default_factory=dict)
    new: set[int] = field(default_factory=set)

    def as_dict(self) -> dict[str, object]:
        lists = {name: getattr(self, name) for name in ("refused", "without_password", "without_address")}
        told = {name: [one.as_dict() for one in found] for name, found in lists.items()}
        return {"made": self.made, "known": self.known, **told}


class People:
    """Takes rows in batches: each is kept whole or not at all."""

    def __init__(self, by: By = NOBODY) -> None:
        self.outcome = Outcome()
        self._by, self._known = by, attributes.further()
        self._groups = {name.lower() for name in Group.objects.values_list("name", flat=True)}
        self._seen: dict[str, str] = {}  # names, addresses and subs of earlier rows, by where those stand

    def take(self, rows: Iterable[Row]) -> Iterator[Outcome]:
        """All rows; answers what came of them so far after each batch."""
        waiting = iter(rows)
        while batch := [_normalized(one) for one in islice(waiting, BATCH)]:
            self._take(batch)
            yield self.outcome

    def _take(self, rows: Sequence[Row]) -> None:
        wrong = {id(row): why for row in rows if (why := _problem(row, self._known) or self._of_groups(row))}
        here = _Here([row for row in rows if id(row) not in wrong])  # others may hold what no database takes
        new: list[tuple[Row, User]] = []
        for row in rows:
            if id(row) not in wrong and (account := here.account_of(row)):
                self.outcome.known += 1
                self.outcome.accounts[row.key] = account
            elif why := wrong.get(id(row)) or here.problem(row) or self._said_before(row):
                self.outcome.refused.append(Refusal(row.where, row.username or row.sub, why))
            else:
                new.append((row, self._account(row)))
        with transaction.atomic():
            User.objects.bulk_create([user for _row, user in new])
            self._write_addresses(new, here)
            self._put_into_groups(new)
        for row, user in new:
            self.outcome.made += 1
            self.outcome.accounts[row.key] = user.pk
            self.outcome.new.add(user.pk)

    def _said_before(self, row: Row) -> str:
        """Two rows for one account: which is right is for people to say."""
        names = {"name": row.username.lower(), "e-mail address": row.email, "sub": row.sub}
        said = {f"{kind} {name}": kind for kind, name in names.items() if name}
        for name, kind in said.items():
            if name in self._seen:
                return f"{self._seen[name]} has the same {kind}."
        self._seen |= dict.fromkeys(said, row.where)
        return ""

    def _account(self, row: Row) -> User:
        user = User(
            username=row.username,
            email=row.email,
            sub=row.sub or subjects.new(),
            first_name=row.first_name,
            last_name=row.last_name,
            attributes=attributes.merged({}, attributes.read(row.attributes, Editor.IMPORT, known=self._known)[0]),
            is_active=row.is_active,
            is_staff=row.is_staff,
            is_superuser=row.is_superuser,
            date_joined=row.joined or clock.now(),
        )
        kept, problem = as_kept(row.password), ""
        if row.password and not row.password.startswith(UNUSABLE):
            problem = problem_of_hash(kept) or ""
        if not row.password or row.password.startswith(UNUSABLE) or problem:
            user.set_unusable_password()
        else:
            user.password = kept
        if problem:
            self.outcome.without_password.append(Refusal(row.where, row.username, problem))
        return user

    def _of_groups(self, row: Row) -> str:
        unknown = [name for name in row.groups if groups.plain(name).lower() not in self._groups]
        return f"There is no group {unknown[0][:100]!r}." if unknown else ""

    def _put_into_groups(self, new: Sequence[tuple[Row, User]]) -> None:
        for group in groups.known_groups({name for row, _user in new for name in row.groups})[0]:
            names = {group.name.lower()}
            people = [user for row, user in new if names & {groups.plain(one).lower() for one in row.groups}]
            groups.add_members(group, people, "", self._by)

    def _write_addresses(self, new: Sequence[tuple[Row, User]], here: _Here) -> None:
        rows = []
        for row, user in new:
            if row.email:
                rows.append(EmailAddress(user=user, email=row.email, primary=True, verified=row.email_verified))
            for address in dict.fromkeys(map(normalization.mail_address, row.verified)):
                if address == row.email:
                    continue
                said = self._seen.setdefault(f"e-mail address {address}", row.where)
                told = "" if said == row.where else f"{said} has the same e-mail address."
                if problem := told or here.address_problem(address):
                    self.outcome.without_address.append(Refusal(row.where, address, problem))
                    continue
                here.verified.add(address)
                rows.append(EmailAddress(user=user, email=address, primary=False, verified=True))
        EmailAddress.objects.bulk_create(rows)


class _Here:
    """What these rows could mean of what is here: read once for all of them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        subs = {row.sub for row in rows if row.sub}
        names = {row.username.lower() for row in rows}
        addresses = {row.email for row in rows if row.email}
        further = {normalization.mail_address(one) for row in rows for one in row.verified}
        columns = ("pk", "sub", "username", "email")
        spelled = Q(username__in=[row.username for row in rows])  # SQLite lowers no letters outside ASCII
        by_name = User.objects.annotate(lower=Lower("username")).filter(Q(lower__in=names) | spelled)
        by_address = User.objects.annotate(lower=Lower("email")).filter(lower__in=addresses | further)
        found = [*User.objects.filter(sub__in=subs).values_list(*columns), *by_name.values_list(*columns)]
        found += by_address.values_list(*columns)
        self._by_sub = {sub: (pk, name, email) for pk, sub, name, email in found}
        self._by_name = {name.lower(): (pk, sub) for pk, sub, name, _email in found}
        self._by_address = {normalization.small(email): pk for pk, _sub, _name, email in found if email}
        self._clients = set(Client.objects.filter(client_id__in=subs).values_list("client_id", flat=True))
        self.verified = set(
            EmailAddress.objects.filter(email__in=addresses | further, verified=True).values_list("email", flat=True)
        )

    def account_of(self, row: Row) -> int | None:
        """The account that this row made once, or would make: by its `sub`, or where it says none by its name.

        Whose tokens come along has the same address, too: any two sites have somebody of the number 1.
        """
        if row.sub:
            by_sub = self._by_sub.get(row.sub)
            return by_sub[0] if by_sub and (not row.key or _is_same(row, *by_sub[1:])) else None
        found = self._by_name.get(row.username.lower())
        same = found is not None and (not row.email or self._by_address.get(row.email) == found[0])
        return found[0] if found and same else None

    def problem(self, row: Row) -> str:
        if row.sub in self._by_sub:
            return "Another account has this sub."
        if row.username.lower() in self._by_name:
            return "Another account has this user name."
        if row.email and row.email in self._by_address:
            return "Another account has this e-mail address."
        if row.email and row.email in self.verified:
            return "Another account has verified this e-mail address."
        return "A client has this sub as its client ID." if row.sub in self._clients else ""

    def address_problem(self, address: str) -> str:
        try:
            normalization.check_mail_address(address)
        except ValidationError as error:
            return " ".join(error.messages)
        if address in self.verified or address in self._by_address:
            return "Another account has this e-mail address."
        return ""


def _is_same(row: Row, name: str, email: str) -> bool:
    return row.email == normalization.small(email) if row.email and email else row.username.lower() == name.lower()


def _normalized(row: Row) -> Row:
    email = normalization.mail_address(row.email)
    return replace(
        row,
        username=normalization.user_name(row.username),
        email=email,
        email_verified=row.email_verified and normalization.is_same_mailbox(row.email, email),
        verified=tuple(one for one in row.verified if _is_kept(one) and _is_ours(one)),
    )


def _is_ours(address: str) -> bool:
    """Whether what was proved of it is true of it as we write it."""
    return normalization.is_same_mailbox(address, normalization.mail_address(address))


def _is_kept(text: str) -> bool:
    """No database keeps NUL, nor half a character."""
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def _problem(row: Row, known: Mapping[str, Definition] = STANDARD) -> str:
    """What is wrong with the row alone."""
    if not row.username:
        return "There is no user name."
    if row.sub and (problem := subjects.problem(row.sub)):
        return problem
    for name in _CHECKED:
        value = getattr(row, name)
        if not _is_kept(value):
            return f"{name}: this is no text that can be kept."
        column = User._meta.get_field(name)
        try:
            column.run_validators(value)  # type: ignore[union-attr]
        except ValidationError as error:
            return f"{name}: {' '.join(error.messages)}"
    for trouble in attributes.read(row.attributes, Editor.IMPORT, known=known)[1]:
        return f"{trouble.name}: {trouble.message}"
    return ""
