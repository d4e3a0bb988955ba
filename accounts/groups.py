"""Groups of this installation, and who belongs to them: the only writer of their rows (protocol section 30).

Each function is one transaction, and records what it did. A membership has a source: empty when people made it by
hand, else the name of what manages it. Each source gives and takes its own; somebody belongs while any says so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts import events
from accounts.attributes import Trouble
from accounts.directory import MAX_DESCRIPTION, MAX_EXTERNAL_ID, MAX_NAME
from accounts.events import By
from accounts.models import AccountEventKind, Group, GroupMember, User

BATCH = 500
LONGEST = {"description": MAX_DESCRIPTION, "external_id": MAX_EXTERNAL_ID}  # characters


class Moved(NamedTuple):
    """Who came, who went, by keys of people or of groups; and names of groups that there are none of."""

    added: frozenset[object] = frozenset()
    removed: frozenset[object] = frozenset()
    unknown: tuple[str, ...] = ()


def plain(name: str) -> str:
    """A name as it is kept: NFKC, without spaces around."""
    return " ".join(unicodedata.normalize("NFKC", name).split()) if len(name) <= 4 * MAX_NAME else name


def name_problem(name: str, but: Group | None = None) -> str:
    """Why no group may be called so, or an empty string."""
    said = plain(name)
    if not said:
        return _("A group needs a name.")
    if len(said) > MAX_NAME:
        return _("This name is too long: at most %(most)s characters.") % {"most": MAX_NAME}
    if not _is_possible(said):
        return _("This name has a character that cannot be stored.")
    others = Group.objects.exclude(pk=but.pk) if but else Group.objects.all()
    return _("Another group has this name.") if others.filter(name__iexact=said).exists() else ""


def problems(said: Mapping[str, str], but: Group | None = None) -> list[Trouble]:
    """What is wrong with what is said of a group, by the names of its fields."""
    found = [Trouble("name", problem)] if "name" in said and (problem := name_problem(said["name"], but)) else []
    for field, most in LONGEST.items():
        value = said.get(field, "")
        if len(value) > most:
            found.append(Trouble(field, _("This text is too long: at most %(most)s characters.") % {"most": most}))
        elif any(unicodedata.category(one) in ("Cc", "Cs") for one in value):
            found.append(Trouble(field, _("This text has a character that cannot be stored.")))
    return found


def named(name: str) -> Group | None:
    """The group of this name, in any capitals."""
    said = plain(name)
    alike = Group.objects.filter(name__iexact=said) if _is_possible(said) else []
    return next((one for one in alike if one.name.lower() == said.lower()), None)  # PostgreSQL finds more


def _is_possible(name: str) -> bool:
    """Whether a group could have this name: no database is asked for any other."""
    return 0 < len(name) <= MAX_NAME and not any(unicodedata.category(one) in ("Cc", "Cs", "Cf") for one in name)


def group_names(user_id: int) -> tuple[str, ...]:
    """The groups somebody belongs to, whoever says so."""
    found = Group.objects.filter(members__user=user_id).values_list("name", flat=True)
    return tuple(sorted(set(found)))


@transaction.atomic
def make(name: str, by: By, *, description: str = "", external_id: str = "", source: str = "") -> Group:
    """`problems` was asked before."""
    group = Group.objects.create(name=plain(name), description=description, external_id=external_id, source=source)
    events.record_change(None, AccountEventKind.GROUP_CREATED, by, group=str(group.pk), name=group.name)
    return group


@transaction.atomic
def change(group: Group, by: By, **said: str) -> list[str]:
    """`name`, `description`, `external_id`: those that are said. Answers which of them changed."""
    said = {field: plain(value) if field == "name" else value for field, value in said.items()}
    changed = sorted(field for field, value in said.items() if getattr(group, field) != value)
    for field in changed:
        setattr(group, field, said[field])
    if changed:
        group.save(update_fields=[*changed, "updated_at"])
        detail = {"group": str(group.pk), "name": group.name, "changed": changed}
        events.record_change(None, AccountEventKind.GROUP_CHANGED, by, None, **detail)
    return changed


@transaction.atomic
def delete(group: Group, by: By) -> int:
    """Delete it. Its members are told of it one by one, and their number is answered."""
    group = Group.objects.select_for_update().get(pk=group.pk)
    key, people = str(group.pk), User.objects.filter(group_members__group=group).distinct()
    told = len(gone := list(people.only("sub")))
    events.record_changes(AccountEventKind.GROUPS_CHANGED, by, ((one, {"removed": [key]}) for one in gone))
    group.delete()
    events.record_change(None, AccountEventKind.GROUP_DELETED, by, group=key, name=group.name, people=told)
    return told


def set_members(group: Group, people: Iterable[User], source: str, by: By) -> Moved:
    """These, and nobody else, belong to the group for this source."""
    with transaction.atomic():
        group = Group.objects.select_for_update().get(pk=group.pk)
        there = set(group.members.filter(source=source).values_list("user", flat=True))
        wanted = {one.pk for one in people}
        return _move(group, wanted - there, there - wanted, source, by)


def add_members(group: Group, people: Iterable[User], source: str, by: By) -> Moved:
    with transaction.atomic():
        group = Group.objects.select_for_update().get(pk=group.pk)
        wanted = {one.pk for one in people}
        there = group.members.filter(source=source, user__in=wanted).values_list("user", flat=True)
        return _move(group, wanted - set(there), set(), source, by)


def remove_members(group: Group, people: Iterable[User], source: str, by: By) -> Moved:
    with transaction.atomic():
        group = Group.objects.select_for_update().get(pk=group.pk)
        unwanted = {one.pk for one in people}
        there = group.members.filter(source=source, user__in=unwanted).values_list("user", flat=True)
        return _move(group, set(), set(there), source, by)


def set_groups_of(user: User, names: Collection[str], source: str, by: By) -> Moved:
    """Somebody belongs to these groups, and to no others, for this source. Unknown names are answered, and not made."""
    wanted, unknown = known_groups(names)
    with transaction.atomic():
        User.objects.select_for_update().only("pk").get(pk=user.pk)
        there = set(user.group_members.filter(source=source).values_list("group", flat=True))
        keys = {one.pk for one in wanted}
        added, removed = keys - there, there - keys
        before = set(user.group_members.values_list("group", flat=True))
        user.group_members.filter(source=source, group__in=removed).delete()
        rows = [GroupMember(group_id=key, user=user, source=source) for key in added]
        GroupMember.objects.bulk_create(rows, ignore_conflicts=True)
        _tell(user, before, set(user.group_members.values_list("group", flat=True)), source, by)
    return Moved(frozenset(added), frozenset(removed), tuple(unknown))


def known_groups(names: Iterable[str]) -> tuple[list[Group], list[str]]:
    """The groups of these names, in any capitals, and the names that no group has."""
    asked = {(said := plain(name)).lower(): said for name in names}
    possible = [said for said in asked.values() if _is_possible(said)]
    if not possible:
        return [], [*asked.values()]
    small = [said.lower() for said in possible]  # SQLite lowers no letters outside ASCII
    rows = Group.objects.annotate(small=Lower("name")).filter(Q(small__in=small) | Q(name__in=possible))
    found = {one.name.lower(): one for one in rows if one.name.lower() in asked}
    return list(found.values()), [name for key, name in asked.items() if key not in found]


def _move(group: Group, added: set[int], removed: set[int], source: str, by: By) -> Moved:
    """What somebody else says of the same people stays, and so they notice nothing of this."""
    touched = {one.pk: one for one in User.objects.filter(pk__in=added | removed).only("pk", "sub")}
    others = set(group.members.filter(user__in=touched).exclude(source=source).values_list("user", flat=True))
    group.members.filter(source=source, user__in=removed).delete()
    rows = [GroupMember(group=group, user_id=key, source=source) for key in sorted(added & touched.keys())]
    GroupMember.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    key = str(group.pk)
    told: list[tuple[User, dict[str, object]]] = [
        (touched[one], {"added" if one in added else "removed": [key], "source": source})
        for one in sorted((added | removed) & touched.keys() - others)
    ]
    events.record_changes(AccountEventKind.GROUPS_CHANGED, by, told)
    return Moved(frozenset(added & touched.keys()), frozenset(removed))


def _tell(user: User, before: set[UUID], after: set[UUID], source: str, by: By) -> None:
    if before != after:
        added, removed = ([*map(str, sorted(one))] for one in (after - before, before - after))
        events.record_change(
            user, AccountEventKind.GROUPS_CHANGED, by, None, added=added, removed=removed, source=source
        )
