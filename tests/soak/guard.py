"""Ends what would outlive a soak that was killed: PostgreSQL, which Patroni starts apart.

It runs as a program of its own, whose input ends with the soak.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def guarded(pid_files: Sequence[Path]) -> Iterator[None]:
    """Until it is left in an orderly way: whoever made these files ends it then."""
    command = [sys.executable, __file__, *map(str, pid_files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as guard:
        try:
            yield
        finally:
            guard.kill()


def main(pid_files: Sequence[str]) -> None:
    sys.stdin.buffer.read()
    for file in pid_files:
        with contextlib.suppress(OSError, ValueError, IndexError):
            os.kill(int(Path(file).read_text().split()[0]), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
