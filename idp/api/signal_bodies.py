"""Bodies of Shared Signals as they were sent, and how a stream is shown (SSF 1.0 section 8). What is wrong is 400."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from django.conf import settings

from accounts import normalization
from accounts.models import User
from clients import streams
from clients.models import Stream
from clients.models.stream import DeliveryMethod
from clients.streams import StreamMetadata
from common.json_type import Json
from idp.api.problems import Refused, refused
from idp.api.resource import storable
from projects.models import Project
from projects.problems import RegistrationError
from projects.sectors import told_sub
from provider.telling import sets

MOST_SETS = 100  # given at once
MAX_ACKS = 1_000
BASE = "/api/v1/ssf"


def malformed(detail: str) -> Refused:
    return refused("malformed", detail)


def represent(stream: Stream) -> dict[str, Json]:
    pushed = stream.method == DeliveryMethod.PUSH
    url = stream.endpoint_url if pushed else f"{settings.IDP_ISSUER}{BASE}/poll/{stream.pk}"
    said: dict[str, Json] = {
        "stream_id": str(stream.pk),
        "iss": settings.IDP_ISSUER,
        "aud": stream.client.client_id,
        "events_supported": list(sets.SUPPORTED),
        "events_requested": list(stream.events_requested),
        "events_delivered": list(sets.delivered(stream.events_requested)),
        "delivery": {"method": str(stream.method), "endpoint_url": url},
        "min_verification_interval": streams.LEAST_INTERVAL,
    }
    return {**said, "description": stream.description} if stream.description else said


def read(said: Mapping[str, Json], before: StreamMetadata) -> StreamMetadata:
    """What is unknown is left alone, as the specification asks."""
    wanted = before
    if "description" in said:
        wanted = replace(wanted, description=text(said["description"], "description"))
    if "events_requested" in said:
        wanted = replace(wanted, events_requested=texts(said["events_requested"], "events_requested"))
    if "delivery" in said:
        delivery = said["delivery"]
        if not isinstance(delivery, Mapping):
            raise malformed("delivery is an object.")
        wanted = read_delivery(delivery, wanted)
    return wanted


def read_delivery(said: Mapping[str, Json], before: StreamMetadata) -> StreamMetadata:
    method = text(said.get("method"), "delivery.method")
    if method != DeliveryMethod.PUSH:
        return replace(before, method=method, endpoint_url="", authorization_header="")
    header = said.get("authorization_header", "")
    url = text(said.get("endpoint_url"), "delivery.endpoint_url")
    return replace(
        before,
        method=method,
        endpoint_url=url,
        authorization_header=text("" if header is None else header, "delivery.authorization_header"),
    )


def judged(write: Callable[[], Stream | None]) -> Stream | None:
    try:
        return write()
    except RegistrationError as error:
        raise malformed(f"{error.problems[0].field}: {error.problems[0].message}") from None


def text(value: Json, name: str) -> str:
    if not isinstance(value, str):
        raise malformed(f"{name} is a text.")
    return value


def texts(value: Json, name: str) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise malformed(f"{name} is a list of texts.")
    return tuple(text(one, name) for one in value)


def sub(subject: Json, project: Project) -> str:
    """Of a simple subject (RFC 9493), as this project knows people. Empty: it is nobody of ours."""
    if not isinstance(subject, Mapping):
        raise malformed("subject is an object.")
    match subject.get("format"):
        case "iss_sub":
            sub, issuer = text(subject.get("sub"), "subject.sub"), text(subject.get("iss"), "subject.iss")
            return sub if issuer == settings.IDP_ISSUER and storable(sub) and len(sub) <= 255 else ""
        case "opaque":
            sub = text(subject.get("id"), "subject.id")
            return sub if storable(sub) and len(sub) <= 255 else ""
        case "email":
            email = normalization.mail_address(text(subject.get("email"), "subject.email"))
            found = User.objects.filter(email=email).first() if email and storable(email) else None
            return told_sub(found.sub, project) if found else ""
    raise malformed("This format of a subject is not known here.")


def most(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise malformed("maxEvents is a number from 0.")
    return min(value, MOST_SETS)


def errors(value: Json) -> list[tuple[str, str]]:
    """What the receiver could not use, with the code of why; its own words are not kept."""
    if not isinstance(value, Mapping) or len(value) > MAX_ACKS:
        raise malformed("setErrs is an object.")
    found = []
    for jti, error in value.items():
        if not isinstance(error, Mapping):
            raise malformed("setErrs has an object for each token.")
        err = text(error.get("err"), "err")
        found.append(
            (jti, f"The receiver refused it: {err[:100]}." if err.isprintable() else "The receiver refused it.")
        )
    return found
