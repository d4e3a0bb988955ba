"""What Django and its REST framework need to run the adapters, and nothing else: no apps, no database."""

from __future__ import annotations

SECRET_KEY = "nothing is signed here"
REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
