"""How many tokens were given: what the console shows as numbers."""

from __future__ import annotations

from django.db import models

MAX_GRANT_TYPE = 60


class Tally(models.Model):
    """How often one client got tokens by one grant on one day (UTC). About: a server that is killed forgets seconds.

    Texts, not foreign keys: writing it waits for nobody. Guests share the row without a client: anybody makes those.
    """

    day = models.DateField()
    client_id = models.CharField(max_length=255, blank=True)
    grant_type = models.CharField(max_length=MAX_GRANT_TYPE)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "client_id", "grant_type"], name="one_tally_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.count} tokens by {self.grant_type} on {self.day}"


class ProjectTally(models.Model):
    """The same of all clients of a project together, for whoever looks at thousands of them at once.

    A number, not a foreign key; 0 is that of guests, and of clients that were gone when it was written.
    """

    day = models.DateField()
    project = models.PositiveBigIntegerField(default=0)
    grant_type = models.CharField(max_length=MAX_GRANT_TYPE)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "day", "grant_type"], name="one_tally_of_a_project_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.count} tokens by {self.grant_type} on {self.day}"
