"""What the consent page asks, in blocks: who somebody is, then each API with its own box and its permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from projects.consent import Permission
from projects.models import Project
from provider.endpoints import permission_words
from provider.endpoints.permission_words import Group, Line, Place
from provider.protocol.request import AuthorizationRequest

REQUIRED = ("openid",)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tick: a scope, or an audience. `words` may be empty: then its value has to do."""

    value: str
    words: str = ""
    sensitive: bool = False
    required: bool = False
    governed: bool = False  # by the box of its block: it goes when the box is not ticked


@dataclass(frozen=True, slots=True)
class Block:
    title: str
    description: str = ""
    place: Item | None = None  # the one audience that is asked here: the title has its box
    places: tuple[Item, ...] = ()  # several of one API, or those that nobody explains
    scopes: tuple[Item, ...] = ()
    also_usable: tuple[str, ...] = ()  # what was allowed before and will work here too

    @property
    def details(self) -> tuple[list[str], list[str]]:
        """The names behind the words: of scopes, and the addresses."""
        return [one.value for one in self.scopes if one.words], [self.place.value] if self.place else []


@dataclass(frozen=True, slots=True)
class Page:
    """`before`: what was allowed before, a line each, by the title of its block."""

    blocks: tuple[Block, ...]
    before: tuple[tuple[str, str], ...]

    @property
    def governs(self) -> bool:
        """Whether the box of an API has permissions below it."""
        return any(one.place and one.scopes for one in self.blocks)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Everything that is asked, and what of it is new."""

    project: Project
    decided: AuthorizationRequest
    wanted: Permission
    new: Permission
    given: Permission
    also_usable: AbstractSet[str]
    offered: Callable[[Iterable[str]], AbstractSet[str]]  # the scopes of the APIs of these audiences

    def page(self) -> Page:
        explained = (*self.wanted.audiences, *self.given.audiences)
        places = permission_words.places(self.wanted.audiences, self.decided.registry)
        groups = self._apart(permission_words.groups(self.project, self.wanted.scopes, explained), places)
        known = {group.audience for group in groups if group.audience}
        blocks = [self._block(group, [one for one in places if self._is_at(one, group)]) for group in groups]
        left = [one for one in places if self._api(one.value) not in known]
        named = list(dict.fromkeys(self._api(one.value) for one in left if one.name))
        for identifier in named:
            same = [one for one in left if self._api(one.value) == identifier]
            blocks.append(self._block(Group(same[0].name, (), same[0].description, identifier), same))
        if unknown := [one for one in left if not one.name]:
            blocks.append(self._block(Group(_("Where this access works"), ()), unknown))
        return Page(tuple(one for one in blocks if one.scopes or one.place or one.places), tuple(self._before(groups)))

    def _apart(self, groups: list[Group], places: Sequence[Place]) -> list[Group]:
        """What several wanted APIs offer goes with none of them alone: it stands below, by the names of them all."""
        wanted = {api: place for place in places if (api := self._api(place.value))}
        offer = {api: self.offered([place.value]) for api, place in wanted.items()}
        apart: dict[tuple[str, ...], list[Line]] = {}
        own = []
        for group in groups:
            kept: list[Line] = []
            for line in group.lines:
                several = tuple(api for api in wanted if line.name in offer[api]) if group.audience else ()
                (apart.setdefault(several, []) if len(several) > 1 else kept).append(line)
            own.append(replace(group, lines=tuple(kept)))
        shared = [Group(", ".join(str(wanted[api]) for api in apis), tuple(lines)) for apis, lines in apart.items()]
        return [one for one in own if one.lines] + shared

    def _api(self, audience: str) -> str:
        api = self.decided.registry.resolve(audience)
        return api.identifier if api is not None else ""

    def _is_at(self, place: Place, group: Group) -> bool:
        return bool(group.audience) and self._api(place.value) == group.audience

    def _block(self, group: Group, places: Sequence[Place]) -> Block:
        asked = [one.value for one in places if one.value in self.new.audiences]
        one_box = len(asked) == 1 and bool(group.audience)
        return Block(
            group.title,
            group.description,
            place=Item(asked[0], group.title) if one_box else None,
            places=() if one_box else tuple(Item(value) for value in asked),
            scopes=tuple(
                Item(line.name, line.description, line.sensitive, line.name in REQUIRED, self._goes(line.name, asked))
                for line in group.lines
                if line.name in self.new.scopes
            ),
            also_usable=self._words(asked),
        )

    def _goes(self, scope: str, asked: Sequence[str]) -> bool:
        """Whether nothing else that is wanted offers it: then it goes with these audiences (protocol section 11)."""
        others = [one for one in self.wanted.audiences if one not in asked]
        return scope in self.offered(asked) and scope not in self.offered(others)

    def _words(self, asked: Sequence[str]) -> tuple[str, ...]:
        """What was allowed before and works there too, in that API's own words."""
        usable = sorted(self.also_usable & self.offered(asked))
        groups = permission_words.groups(self.project, usable, asked) if usable else []
        return tuple(str(line) for group in groups for line in group.lines)

    def _before(self, groups: Iterable[Group]) -> Iterable[tuple[str, str]]:
        for group in groups:
            yield from ((group.title, str(line)) for line in group.lines if line.name not in self.new.scopes)
        allowed = [one for one in self.wanted.audiences if one not in self.new.audiences]
        yield from (("", str(place)) for place in permission_words.places(allowed, self.decided.registry))
