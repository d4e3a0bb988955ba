"""Requests that wait for the answer of a project's own consent page."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from clients.models.client import Client


class ConsentRequest(models.Model):
    """One authorization request of one person at one browser. Its challenge and its verifier are kept as digests."""

    digest = models.CharField(primary_key=True, max_length=64)  # of the challenge
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sid = models.UUIDField()  # of the sign-in: the browser that began it
    sealed = models.TextField()  # the request: it names people, and may hold an ID token
    asked = models.JSONField()  # scopes and audiences
    given = models.JSONField()  # what was allowed before
    siblings = models.JSONField(default=list)  # names of the apps that share what is allowed
    answer = models.JSONField(null=True)  # scopes and audiences; empty: rejected; null: nobody answered yet
    reason = models.CharField(max_length=200, blank=True)  # of a rejection, for the app
    verifier = models.CharField(max_length=64, blank=True, db_index=True)  # the digest of what goes on with the answer
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"Request of {self.client_id}, open until {self.expires_at}"
