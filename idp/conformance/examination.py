"""One run from beginning to end: the scene is made, every check looks, the scene is gone, and a report is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from django.conf import settings

from common import clock
from idp import VERSION
from idp.conformance import CannotRun, scene, vectors
from idp.conformance.app import Provider
from idp.conformance.check import Verdict
from idp.conformance.http import Wire
from idp.conformance.report import Report
from idp.conformance.run import Run
from idp.conformance.runner import judged
from projects.actors import Actor
from provider.store.authorizations import RETRY_WINDOW

Told = Callable[[str], None]
ANOTHER = "does not know an app that was made a moment ago. Do servers and commands have one DATABASE_URL?"


def examine(by: Actor, told: Told, *, url: str = "", quick: bool = False) -> Report:
    """Raises CannotRun: nothing could be looked at."""
    began_at, began = clock.now(), time.monotonic()
    with closing(Wire(settings.IDP_ISSUER, url)) as wire:
        verdicts = _verdicts(Provider(settings.IDP_ISSUER, wire), by, told, quick=quick)
    return Report(settings.IDP_ISSUER, url, VERSION, began_at, time.monotonic() - began, verdicts)


def _verdicts(provider: Provider, by: Actor, told: Told, *, quick: bool) -> list[Verdict]:
    provider.discover()
    verdicts: list[Verdict] = []
    with scene.made(by, vectors.entries) as made:
        run = run_of(provider, made, by)
        _same_database(run)
        for one in judged(run, quick=quick):
            verdicts.append(one)
            made.go_on()
            told(f"{len(verdicts)} looked at: {one.check.name}")
    return verdicts


def run_of(provider: Provider, made: scene.Scene, by: Actor) -> Run:
    unusual = {"query"} if settings.IDP_LEGACY_QUERY_CREDENTIALS else set()
    return Run(
        provider,
        made,
        disable=partial(scene.disable, by=by),
        deactivate=partial(scene.deactivate, made.username, by),
        grace=max(settings.IDP_REFRESH_GRACE_SECONDS, int(RETRY_WINDOW.total_seconds())),
        unusual=frozenset(unusual),
    )


def _same_database(run: Run) -> None:
    answer = run.web.machine()
    if answer.status == 401:
        raise CannotRun(f"{run.provider.issuer} {ANOTHER}")
