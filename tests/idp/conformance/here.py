"""The installation in the process of the test, asked as over HTTP; and faults that somebody may build into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from django.test import Client as Http

from common.json_type import Json
from idp.conformance.http import FORM, Answer, Request
from tests.world import Response

Send = Callable[[Request], Answer]
Fault = Callable[[Request, Send], Answer]
Pairs = list[tuple[str, str]]


class Here:
    """A transport without a network, through a fault if there is one."""

    def __init__(self) -> None:
        self.http = Http(enforce_csrf_checks=True, raise_request_exception=False)
        self.fault: Fault | None = None

    def send(self, request: Request) -> Answer:
        return self._send(request) if self.fault is None else self.fault(request, self._send)

    def close(self) -> None:
        pass

    def _send(self, request: Request) -> Answer:
        named = {name: value for name, value in request.headers.items() if name != "Content-Type"}
        variables = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in named.items()}
        self.http.cookies.clear()
        kind = request.headers.get("Content-Type", "application/octet-stream")
        ask: Callable[..., Response] = self.http.generic
        came = ask(request.method, request.target, request.body or b"", kind, **variables)
        cookies = [("Set-Cookie", one.OutputString()) for one in came.cookies.values()]
        return Answer(came.status_code, (*came.headers.items(), *cookies), came.content)


# --- What somebody may build wrongly ---------------------------------------------------------------------------------


def path_of(request: Request) -> str:
    return request.target.partition("?")[0]


def asked(request: Request) -> Pairs:
    """The parameters, of the query and of a form."""
    form = request.body.decode() if request.body and request.headers.get("Content-Type") == FORM else ""
    return parse_qsl(request.target.partition("?")[2] + "&" + form, keep_blank_values=True)


def rewritten(request: Request, pairs: Pairs) -> Request:
    if request.body is None:
        return replace(request, target=f"{path_of(request)}?{urlencode(pairs)}")
    return replace(request, target=path_of(request), body=urlencode(pairs).encode())


def reading(path: str, change: Callable[[Pairs], Pairs]) -> Fault:
    """It takes something else than was sent."""

    def fault(request: Request, send: Send) -> Answer:
        return send(rewritten(request, change(asked(request)))) if path_of(request).endswith(path) else send(request)

    return fault


def ignoring(path: str, *names: str) -> Fault:
    return reading(path, lambda pairs: [one for one in pairs if one[0] not in names])


def taking_for(path: str, name: str, value: str) -> Fault:
    """A parameter for another value of it."""
    return reading(path, lambda pairs: [(key, value if key == name else was) for key, was in pairs])


def answering(path: str, change: Callable[[Request, Answer], Answer]) -> Fault:
    """It answers something else."""

    def fault(request: Request, send: Send) -> Answer:
        answer = send(request)
        return change(request, answer) if path_of(request).endswith(path) else answer

    return fault


def refusing(path: str, name: str) -> Fault:
    """Whoever sends this parameter is refused, though they may."""

    def change(request: Request, answer: Answer) -> Answer:
        return Answer(400) if name in dict(asked(request)) else answer

    return answering(path, change)


def as_json(said: Json, status: int = 200) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(said).encode())


def telling(path: str, **members: Json) -> Fault:
    """Members of the document are other than they are; None leaves one out."""

    def change(_request: Request, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        said = {name: value for name, value in {**answer.json, **members}.items() if value is not None}
        return replace(answer, body=json.dumps(said).encode())

    return answering(path, change)


def granting(path: str, said: Json = None) -> Fault:
    """Nothing is refused there."""
    document = said or {"access_token": "x", "token_type": "Bearer"}
    return answering(path, lambda _request, answer: as_json(document) if 400 <= answer.status < 500 else answer)


def leading_away(path: str = "/authorize") -> Fault:
    """In place of a page of refusal the browser goes where the request says, with a code."""

    def change(request: Request, answer: Answer) -> Answer:
        to = dict(asked(request)).get("redirect_uri", "https://web.invalid/cb")
        return Answer(302, (("Location", f"{to}?code=x"),)) if 400 <= answer.status < 500 else answer

    return answering(path, change)


def allowing(path: str) -> Fault:
    """An app gets a code in place of every error."""

    def change(_request: Request, answer: Answer) -> Answer:
        location = answer.location.replace("error=", "code=x&was=")
        return Answer(302, (("Location", location),)) if "error=" in answer.location else answer

    return answering(path, change)


def without_header(path: str, name: str) -> Fault:
    def change(_request: Request, answer: Answer) -> Answer:
        return replace(answer, headers=tuple(one for one in answer.headers if one[0].lower() != name.lower()))

    return answering(path, change)


def doing_nothing(path: str, answer: Answer) -> Fault:
    """It says that it did, and did not."""
    return lambda request, send: answer if path_of(request).endswith(path) else send(request)
