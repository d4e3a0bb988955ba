"""`users`: accounts with their password and e-mail address."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from allauth.account.models import EmailAddress

from accounts import emails, normalization, notices, sign_in
from accounts.attributes import NAMES
from accounts.changes import record_profile, record_rights
from accounts.models import User
from clients import subjects
from common import chosen
from common.chosen import Kept, marked
from common.hashers import problem_of_hash
from idp.configuration.context import Context
from idp.configuration.directory import set_attributes, set_groups
from idp.configuration.hashes import Chosen
from idp.configuration.references import Reference
from idp.configuration.said_secrets import resolved
from idp.configuration.schema import SHORT
from idp.configuration.shape import Entry

HASH = "password_hash"
PASSWORD_KEYS = ("password", "password_from", HASH)
NO_COLUMNS = ("username", *PASSWORD_KEYS, "email_verified", "sub", "attributes", "groups", *SHORT)


def apply_user(context: Context, entry: Entry) -> None:
    username = _username(entry)
    if not context.first("user", username.casefold(), entry.place_of("username")):
        return
    context.users[username] = None
    user = User.objects.filter(username=username).first() or User(username=username)
    creating = user._state.adding
    if _taken(context, user, entry) or not _sub_holds(context, user, entry):
        return
    if creating:
        user.set_unusable_password()
    old_email = user.email
    changed = context.save(user, _values(entry), entry)
    if changed is None:
        return
    changed += _set_password(context, user, entry)
    if set(PASSWORD_KEYS) & set(changed) or not user.is_active:
        sign_in.end_all(user)  # whoever signed in with the old password, or before, is out
    verified = emails.was_verified(user, old_email)
    changed += _set_email_address(context, user, old_email, entry)
    further = set_attributes(context, user, entry)
    names = [key for key in changed if key in NAMES]
    changed += ["attributes"] if further else []
    changed += ["groups"] if set_groups(context, user, entry) else []
    if not creating:
        _record(user, changed)
        emails.record_change(user, old_email, verified)
        record_profile(user, context.by, [*names, *further])
        record_rights(user, context.by, changed)
    context.users[username] = user
    context.ledger.note("user", username, created=creating, fields=changed)


def _username(entry: Entry) -> str:
    return normalization.user_name(entry.text("username"))


def _record(user: User, changed: Collection[str]) -> None:
    """In the log that the person reads, as when the console does it."""
    if {*PASSWORD_KEYS}.intersection(changed):
        notices.password_replaced(user)


def _values(entry: Entry) -> dict[str, object]:
    values = entry.columns(*(key for key in entry.section.keys if key not in NO_COLUMNS))
    if "email" in values:
        values["email"] = normalization.mail_address(entry.text("email"))
    return values


def _taken(context: Context, user: User, entry: Entry) -> bool:
    """People may type their name in any case, and their e-mail address names one account."""
    others = User.objects.exclude(pk=user.pk)
    email = entry.text("email")
    if others.filter(username__iexact=user.username).exists():
        context.problems.add(entry.place_of("username"), "Another account has this name in other capitals.")
        return True
    if email and others.filter(email__iexact=email).exists():
        context.problems.add(entry.place_of("email"), "Another account has this e-mail address.")
        return True
    if email and normalization.mail_address(email) != user.email and user.is_verified_by_another(email):
        context.problems.add(entry.place_of("email"), "Another account has verified this e-mail address.")
        return True
    return False


def _sub_holds(context: Context, user: User, entry: Entry) -> bool:
    """A new account gets the `sub` that the file says; that of an old one stays, as apps know it."""
    sub = entry.text("sub") if "sub" in entry.values else user.sub
    if sub == user.sub:
        return True
    if not user._state.adding:
        problem = "The sub of an account never changes: to apps it would be another person."
    else:
        problem = subjects.problem_of_new(sub)
        user.sub = sub
    if problem:
        context.problems.add(entry.place_of("sub"), problem)
    return not problem


def _set_password(context: Context, user: User, entry: Entry) -> list[str]:
    """Hashes that were brought along may be of the text as it was typed."""
    key, typed = _said_password(context, entry)
    if not typed:
        return []
    if key == HASH:
        kept = Kept(user.password, user.password_fingerprint)
        return [] if chosen.is_of(typed, kept) else _store(user, chosen.adopted(typed), [key])
    password = normalization.password(typed)
    fitting = next((text for text in dict.fromkeys((password, typed)) if context.hashes.fits(text, _kept(user))), None)
    kept = marked(fitting, user.password) if fitting else context.hashes.keep(_owner(user.username), password)
    return _store(user, kept, [] if fitting else [key])


def _store(user: User, kept: Kept, changed: list[str]) -> list[str]:
    if kept != _kept(user):
        user.password, user.password_fingerprint = kept.digest, kept.fingerprint
        user.save(update_fields=["password", "password_fingerprint"])
    return changed


def _said_password(context: Context, entry: Entry) -> tuple[str, str]:
    """Under which key, and what; nothing when it has a problem, which is told once."""
    where = entry.place.path
    if where not in context.said_passwords:
        context.said_passwords[where] = _read_password(context, entry)
    return context.said_passwords[where]


def _read_password(context: Context, entry: Entry) -> tuple[str, str]:
    given = [key for key in PASSWORD_KEYS if key in entry.values]
    for other in given[1:]:
        context.problems.add(entry.place_of(other), f"Give {given[0]} or {other}, not both.")
    key = given[-1] if given else ""
    value = entry.values.get(key)
    if isinstance(value, Reference):
        return key, resolved(context, entry.place_of(key), value)
    if key == HASH and (problem := problem_of_hash(entry.text(key))):
        context.problems.add(entry.place_of(key), problem)
        return key, ""
    return key, entry.text(key)


def chosen_passwords(context: Context, users: Sequence[Entry]) -> Iterator[Chosen]:
    """Those of the file, each with the hash there is. All hashes are read at once."""
    said = {_username(entry): _said_password(context, entry) for entry in users}
    typed = {name: normalization.password(text) for name, (key, text) in said.items() if text and key != HASH}
    stored = {user.username: _kept(user) for user in User.objects.filter(username__in=typed)}
    for username, password in typed.items():
        yield Chosen(_owner(username), password, (stored[username],) if username in stored else ())


def _owner(username: str) -> tuple[str, str]:
    return ("user", username)


def _kept(user: User) -> Kept:
    return Kept(user.password, user.password_fingerprint)


def _set_email_address(context: Context, user: User, old_email: str, entry: Entry) -> list[str]:
    """Keep allauth's row for the address in step: sign-in by e-mail and `email_verified` read it."""
    if "email" not in entry.values and "email_verified" not in entry.values:
        return []
    emails.delete_replaced_address(user, old_email)
    mine = EmailAddress.objects.filter(user=user)
    verified = entry.values.get("email_verified")
    if not user.email:
        if verified:
            context.problems.add_unless_known(entry.place_of("email_verified"), "There is no e-mail address to verify.")
        return []
    address = mine.filter(email=user.email).first() or EmailAddress(user=user, email=user.email)
    before = (address._state.adding, address.primary, address.verified)
    address.primary = True
    address.verified = address.verified if verified is None else bool(verified)
    if before == (False, True, address.verified):
        return []
    if address.verified and user.is_verified_by_another(address.email):
        context.problems.add_unless_known(entry.place_of("email"), "Another account has verified this e-mail address.")
        return []
    mine.exclude(pk=address.pk).update(primary=False)
    address.save()
    emails.touch(user)
    return ["email_verified"] if before[2] != address.verified else ["email"]
