"""What every rule says of the document of a client: for its developer, who cannot see it from where they are."""

from __future__ import annotations

from dataclasses import dataclass

from clients import identifiers
from common import client_url, outbound
from common.client_url import Verdict
from provider import document_rules, fetched_documents
from provider.protocol import client_document
from provider.protocol.client_document import Answer, Document

WORDS = {
    "C1": "its client_id is an https address with a host name and a path",
    "C2": "that address has one spelling, and the document names it letter by letter",
    "C16": "it is not at an address of this provider",
    "C4": "the address leads to the public internet",
    "C3": "there is a JSON object of at most 5 KB, with status 200",
    "C6": "nothing in it is secret, and its keys are good ones",
    "C7": "it has a name, and a grant that is served here",
    "C8": "it has redirect URIs that a client may register",
    "C12": "its scope, if it names one, is made of scopes",
}


@dataclass(frozen=True, slots=True)
class Report:
    client_id: str
    verdicts: tuple[Verdict, ...]
    document: Document | None = None
    seconds: int = 0  # for which it counts
    left_out: tuple[str, ...] = ()

    @property
    def offered(self) -> bool:
        return document_rules.offered()

    @property
    def accepted(self) -> bool:
        return self.document is not None and self.offered


def report(client_id: str) -> Report:
    """Fetched now, whatever is kept."""
    found = client_url.verdicts(client_id, identifiers.own_addresses())
    if any(one.problem for one in found):
        return Report(client_id, tuple(found))
    try:
        answer, seconds = fetched_documents.fetch(client_id)
    except outbound.Unreachable as error:
        there = [Verdict("C4"), Verdict("C3", str(error))] if error.connected else [Verdict("C4", str(error))]
        return Report(client_id, (*found, *there))
    verdicts = (*found, Verdict("C4"), *document_rules.verdicts(client_id, answer))
    return Report(client_id, verdicts, _document(client_id, answer), seconds, _left_out(answer))


def _document(client_id: str, answer: Answer) -> Document | None:
    try:
        return document_rules.read(client_id, answer)
    except client_url.Unacceptable:
        return None


def _left_out(answer: Answer) -> tuple[str, ...]:
    return tuple(client_document.left_out(answer, document_rules.rules()))


def as_text(found: Report) -> list[str]:
    lines = [f"{found.client_id}: {'accepted' if found.accepted else 'refused'}"]
    for one in found.verdicts:
        lines.append(f"  {one.rule:<4}{'no: ' + one.problem if one.problem else 'ok: ' + WORDS[one.rule]}")
    if not found.offered:
        lines.append("  Nobody gets in with it here: IDP_CLIENT_ID_METADATA_DOCUMENTS is off.")
    if (document := found.document) is not None:
        lines += [
            f"  name: {document.client_name}",
            f"  redirect URIs: {', '.join(document.redirect_uris)}",
            f"  grants: {', '.join(document.grant_types)}",
            f"  proves itself by: {document.auth_method}",
            f"  read again after {found.seconds} seconds",
        ]
    return [*lines, *(f"  {sentence}" for sentence in found.left_out)]


def as_dict(found: Report) -> dict[str, object]:
    document = found.document
    return {
        "client": found.client_id,
        "accepted": found.accepted,
        "offered": found.offered,
        "rules": [{"rule": one.rule, "ok": not one.problem, "problem": one.problem or None} for one in found.verdicts],
        "document": {
            "client_name": document.client_name,
            "redirect_uris": list(document.redirect_uris),
            "grant_types": list(document.grant_types),
            "scope": document.scope,
            "token_endpoint_auth_method": document.auth_method,
            "counts_for": found.seconds,
        }
        if document is not None
        else None,
        "left_out": list(found.left_out),
    }
