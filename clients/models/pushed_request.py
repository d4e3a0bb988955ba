"""Authorization requests that apps pushed before a browser comes with them (RFC 9126)."""

from __future__ import annotations

from django.db import models


class PushedRequest(models.Model):
    """The parameters of one request, sealed. Who reads the table cannot use it: it has digests of the references.

    Its client may be gone: then nothing asks for it any more, and it is swept with the others.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    client_id = models.CharField(max_length=255)
    sealed = models.TextField()
    signed = models.BooleanField(default=False)  # it came as a request object
    expires_at = models.DateTimeField()  # for a browser that has not begun with it
    kept_until = models.DateTimeField(db_index=True)  # for one that has

    class Meta:
        indexes = [models.Index(fields=["client_id", "expires_at"], name="pushed_requests_of_client")]

    def __str__(self) -> str:
        return f"Request of {self.client_id}, pushed until {self.expires_at}"
