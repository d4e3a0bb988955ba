"""What all commands that run as a service have in common."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

# The main thread holds the lock of the event, as it does for a moment whenever it begins or ends to wait.
IN_THE_MIDDLE = """
import signal, threading
import django
django.setup()
from common.service import stopping_on_signals

stop = threading.Event()
with stopping_on_signals(stop):
    with stop._cond:
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(10)
"""


def test_a_signal_in_the_middle_of_a_wait_stops_the_service() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IN_THE_MIDDLE], cwd=settings.BASE_DIR, capture_output=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
