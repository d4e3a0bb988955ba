"""What checks say of an answer: it is as it has to be, or Wrong is raised with what came instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from idp.conformance import NotApplicable, Wrong
from idp.conformance.app import App, seen, told
from idp.conformance.browser import parameters
from idp.conformance.http import Answer, Object

Case = TypeVar("Case")


def holds(condition: object, otherwise: str) -> None:
    if not condition:
        raise Wrong(otherwise)


def refused(answer: Answer, *errors: str) -> None:
    """With an error of one of these codes, and nothing that could be used."""
    holds(400 <= answer.status < 500, f"{seen(answer)}")
    holds(not {"access_token", "id_token", "refresh_token", "code"} & answer.json.keys(), f"tokens with {seen(answer)}")
    holds(not errors or str(answer.json.get("error")) in errors, f"{seen(answer)}")


def granted(answer: Answer) -> Object:
    holds(answer.status == 200 and answer.json.get("access_token"), seen(answer))
    return answer.json


def access_token(answer: Answer) -> str:
    return str(granted(answer)["access_token"])


def alive(app: App, token: str) -> bool:
    return app.userinfo(token).status == 200


def dead(app: App, token: str, what: str) -> None:
    answer = app.userinfo(token)
    holds(answer.status == 401, f"{what}: userinfo answered {answer.status}")


def not_led_away(answer: Answer) -> None:
    """A page for the person: whoever made the request gets nothing (RFC 6749 section 4.1.2.1)."""
    holds(400 <= answer.status < 500, "a redirect" if answer.location else f"{answer.status}")


def error_at_app(app: App, answer: Answer, *errors: str) -> None:
    """The app hears of it, with its state and from whom; or the request could not even be pushed."""
    if answer.status == 400 and "error" in answer.json:
        holds(not errors or answer.json.get("error") in errors, seen(answer))
        return
    holds(answer.location.startswith(app.redirect_uri), f"{answer.status}, and not an error at the redirect URI")
    found = parameters(answer.location)
    holds("code" not in found and "access_token" not in found and "id_token" not in found, "a code or a token")
    holds(not errors or found.get("error") in errors, told(found.get("error", "")))
    holds(found.get("state") == app.state, "an error without the state that was sent")
    holds(found.get("iss") == app.provider.issuer, "an error without the issuer (RFC 9207)")


def in_use(supported: bool, why: str) -> None:
    if not supported:
        raise NotApplicable(why)


def each(cases: Mapping[str, Case], look: Callable[[Case], None]) -> None:
    """All of these hold; the first that does not is named."""
    for name, case in cases.items():
        try:
            look(case)
        except Wrong as error:
            raise Wrong(f"{name}: {error}") from None
