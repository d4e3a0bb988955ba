"""The log of what matters for security. Every layer from here on writes it; its table belongs to the app `clients`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.db import models
from django.db.models.fields.json import KT
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _

from accounts.events import many_recorded
from projects.access import Roles
from projects.actors import Actor

CLIENT_DELETED = "client.deleted"  # the kind that keeps a client id from being used again
GUEST_DELETED = "guest.deleted"  # of a guest app, whose id nobody else can have
API_DELETED = "api.deleted"  # and an API's address from being taken over by another project


# As many as tokens. What is looked for among the other events is found by an index without these.
ROUTINE = ("token.exchanged", "token.cross_client")
IN_DETAIL = ("project", "person", "member")  # what events are found by, besides what has a column


def about(name: str) -> models.Q:
    """The few events whose details name such a thing: an index has no others, and is used where this is asked, too."""
    return models.Q(detail__has_key=name)


def _found_by(name: str) -> models.Index:
    newest = models.F("at").desc()
    return models.Index(KT(f"detail__{name}"), newest, name=f"events_with_{name}", condition=about(name))


class SecurityEvent(models.Model):
    """Append-only log of what matters for security. Texts, not foreign keys: it outlives what it speaks of."""

    at = models.DateTimeField(_("time"), auto_now_add=True, db_index=True)
    kind = models.CharField(_("kind"), max_length=60)
    client_id = models.CharField(_("client ID"), max_length=255, blank=True)
    target_client_id = models.CharField(_("client ID of the other client"), max_length=255, blank=True)
    sub = models.CharField(max_length=255, blank=True)
    detail = models.JSONField(_("details"), default=dict)

    class Meta:
        app_label = "clients"
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["-at"], name="events_but_routine", condition=~models.Q(kind__in=ROUTINE)),
            models.Index(fields=["client_id", "-at"], name="events_of_client"),
            models.Index(
                fields=["target_client_id", "-at"], name="events_of_target", condition=~models.Q(target_client_id="")
            ),
            models.Index(fields=["sub", "-at"], name="events_of_sub", condition=~models.Q(sub="")),
            *(
                models.Index(
                    KT(f"detail__{name}"), models.F("at").desc(), name=f"events_with_{name}", condition=about(name)
                )
                for name in IN_DETAIL
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.client_id}"


# --- Who acts ------------------------------------------------------------------------------------------------------

NOBODY_KNOWN = Actor(Roles(is_superuser=False, by_project={}), name="code")  # that went past the registration
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


@contextmanager
def acting(by: Actor) -> Iterator[None]:
    """A registration writes rows, and its own events about them. Rows written outside are noticed (`watch`)."""
    token = _acting.set(by)
    try:
        yield
    finally:
        _acting.reset(token)


def acts_now() -> Actor:
    return _acting.get() or NOBODY_KNOWN


Detail = str | int | bool | None | list[str] | dict[str, str] | dict[str, object]


def record(by: Actor, kind: str, client_id: str = "", /, **detail: Detail) -> None:
    """One event. People are named by their `sub`; who is no person stands in the details."""
    SecurityEvent.objects.create(kind=kind, client_id=client_id, sub=by.sub, detail={**detail, **_whose(by)})


def _whose(by: Actor) -> dict[str, Detail]:
    said = {"by": by.name, "run_by": by.run_by, "through": by.through}
    return {name: value for name, value in said.items() if value}


def record_all(by: Actor, kind: str, about: Mapping[str, Mapping[str, Detail]]) -> None:
    """One event of this kind for each of these clients, at once."""
    events = [
        SecurityEvent(kind=kind, client_id=client_id, sub=by.sub, detail={**detail, **_whose(by)})
        for client_id, detail in about.items()
    ]
    _write(events)


def record_each(by: Actor, kind: str, details: Iterable[Mapping[str, Detail]]) -> None:
    """One event of this kind for each of these details, at once."""
    events = [SecurityEvent(kind=kind, sub=by.sub, detail={**detail, **_whose(by)}) for detail in details]
    _write(events)


def _write(events: list[SecurityEvent]) -> None:
    SecurityEvent.objects.bulk_create(events)
    many_recorded.send(SecurityEvent, rows=events)


# --- What goes past a registration ---------------------------------------------------------------------------------


Row = TypeVar("Row", bound=models.Model)
About = Callable[[Row], tuple[str, dict[str, Detail]]]


def watch(model: type[Row], about: About[Row], *, buried: bool = False) -> None:
    """Record saves and deletions of these rows that no registration made. `about`: their client id, and details.

    `buried`: a tombstone tells of each deletion already.

    `.update()`, `bulk_create()` and SQL send no signals: what they may do is for the constraints to say.
    """
    name = model._meta.model_name

    def note(what: str, row: Row) -> None:
        client_id, detail = about(row)
        record(NOBODY_KNOWN, f"{name}.{what}", client_id, **detail)

    def saved(sender: type[Row], instance: Row, created: bool, **kwargs: object) -> None:
        if _acting.get() is None:
            note("created" if created else "saved", instance)

    def deleted(sender: type[Row], instance: Row, origin: object, **kwargs: object) -> None:
        whose = getattr(origin, "model", type(origin))
        if _acting.get() is None and whose is sender:  # what goes with something else is told by that
            note("deleted", instance)

    post_save.connect(saved, sender=model, weak=False, dispatch_uid=f"events.saved.{name}")
    if not buried:
        post_delete.connect(deleted, sender=model, weak=False, dispatch_uid=f"events.deleted.{name}")
