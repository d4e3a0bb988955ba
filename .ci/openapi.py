"""Write docs/openapi.json anew: what /api/v1/openapi.json says at the address of the demo."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docs" / "openapi.json"


def text() -> str:
    """As it stands in the file, one member a line: its history shows what changed."""
    from idp.api.openapi import document

    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ["IDP_ISSUER"] = "http://localhost:8000"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")
    django.setup()
    FILE.write_text(text())
