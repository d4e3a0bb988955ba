"""An explanation as programs read it: of the command, and of the HTTP API."""

from __future__ import annotations

from common.json_type import Json
from provider.explain.ask import Explanation
from provider.explain.table import Attempt, Value
from provider.explain.words import about, advice


def as_dict(explained: Explanation) -> dict[str, Json]:
    consent = explained.consent
    return {
        "client": explained.client.client_id,
        "project": explained.client.project.key if explained.client.project else None,
        "audience": explained.audience,
        "user": explained.user.get_username() if explained.user else None,
        "allowed": explained.allowed,
        "values": [_value(value, explained) for value in explained.values],
        "grants": [_attempt(attempt) for attempt in explained.attempts],
        "consent": {
            "page": consent.page,
            "first_party": consent.first_party,
            "always": consent.always,
            "redirect_uri": consent.redirect_uri,
            "asked": {"scopes": list(consent.asked.scopes), "audiences": list(consent.asked.audiences)},
            "missing": {"scopes": list(consent.missing.scopes), "audiences": list(consent.missing.audiences)},
        }
        if consent
        else None,
        "advice": advice(explained),
        "granted_at": explained.granted_at.isoformat() if explained.granted_at else None,
    }


def _value(value: Value, explained: Explanation) -> dict[str, Json]:
    entry, api = value.entry, value.api
    return {
        "asked": value.asked,
        "why": value.reason.value,
        "because": about(value, explained),
        "rule": {"number": value.rule, "value": entry.value, "mode": entry.mode, "default": entry.default}
        if entry
        else None,
        "api": {"identifier": api.identifier, "project": explained.projects.get(api.project_id)} if api else None,
        "target": value.target.client_id if value.target else None,
        "obstacles": [one.value for one in value.obstacles],
    }


def _attempt(attempt: Attempt) -> dict[str, Json]:
    token, refusal = attempt.token, attempt.refusal
    return {
        "grant": attempt.row,
        "allowed": attempt.allowed,
        "steps": list(attempt.steps),
        "refused_at": attempt.steps[-1] if refusal else None,
        "error": refusal.code if refusal else None,
        "error_description": str(refusal) if refusal else None,
        "token": {
            "aud": token.aud,
            "scope": token.scope,
            "format": token.format,
            "lifetime": token.lifetime,
            "id_token": token.id_token,
            "told": {place: list(names) for place, names in token.told.items()},
        }
        if token
        else None,
    }
