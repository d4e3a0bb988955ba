"""golang.org/x/oauth2 in a terminal: it shows a code, polls as it is told, and renews what it got."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from accounts.models import User
from tests.foreign.person import connect
from tests.foreign.programs import environments
from tests.foreign.programs.running import alone, bounded, lacks
from tests.provider.devices import TV, add_devices
from tests.world import ORDERS, claims_of

LACKING = lacks("go")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]
SCOPE = "openid email offline_access orders.read"


def test_a_program_in_a_terminal_is_connected(metadata: dict[str, Any], tmp_path: Path) -> None:
    """Of a public client: this library sends no secret when it begins."""
    add_devices()
    environ = {
        "CLIENT_ID": TV,
        "DEVICE_ENDPOINT": metadata["device_authorization_endpoint"],
        "TOKEN_ENDPOINT": metadata["token_endpoint"],
        "SCOPE": SCOPE,
        "AUDIENCE": ORDERS,
    }
    command = bounded([environments.go("oauth2_go", ".")])
    with subprocess.Popen(command, env=alone(tmp_path, environ), stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        connect(program.stdout.readline().strip())
        output, _none = program.communicate(timeout=60)
    assert program.returncode == 0
    found = json.loads(output)
    assert found["scope"] == SCOPE
    assert claims_of(found["id_token"])["sub"] == str(User.objects.get(username="owner").sub)
    headers = {"Authorization": f"Bearer {found['fresh']}"}
    assert requests.get(metadata["userinfo_endpoint"], headers=headers, timeout=30).status_code == 200
