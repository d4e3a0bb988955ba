"""Its people."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class Employee(AbstractUser):
    department = models.CharField(max_length=50, blank=True)
