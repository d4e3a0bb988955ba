"""An environment for each program of others, below `var/foreign`: pinned, checked by hash, made once and used again.

`made` installs again when what says what belongs into it has changed. Registries are used through their
ordinary clients, which know where they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
PLACE = Path(__file__).parents[3] / "var" / "foreign"
LONGEST = 1800  # seconds for one step of an installation


def tell(text: str) -> None:
    """Says what takes long; tests put something in its place that is not captured."""
    print(text, flush=True)  # noqa: T201


def made(name: str, said_by: list[bytes], install: Callable[[Path], None]) -> Path:
    """The folder of the environment; a stamp in it, written last, says from what it was made."""
    folder, stamp = PLACE / name, PLACE / name / ".made-from"
    digest = hashlib.sha256(sys.version.encode() + b"\0".join(said_by)).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        tell(f"Installing {name} into {folder.relative_to(PLACE.parents[1])} ...")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        stamp.write_text(digest)
    return folder


def run(*command: str | Path, inside: Path, **environ: str) -> None:
    """A step of an installation; what it had to say is the error when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=inside,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} could not install this program:\n{done.stdout[-4000:]}"


def python(name: str) -> Path:
    """The interpreter of a virtual environment with what NAME/requirements.txt pins."""
    pins = HERE / name / "requirements.txt"
    uv = Path(sys.executable).with_name("uv")

    def install(folder: Path) -> None:
        run(uv, "venv", "-q", "--clear", "--python", sys.executable, folder, inside=folder)
        command = ("pip", "sync", "-q", "--require-hashes", "--python", folder / "bin" / "python", pins)
        run(uv, *command, inside=folder, UV_SYSTEM_CERTS="1")

    return made(name, [pins.read_bytes()], install) / "bin" / "python"


def node(name: str) -> Path:
    """The folder whose node_modules hold what NAME/package-lock.json locks. No script of theirs is run."""
    files = [HERE / name / "package.json", HERE / name / "package-lock.json"]

    def install(folder: Path) -> None:
        for path in files:
            shutil.copy(path, folder)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", inside=folder)

    return made(name, [path.read_bytes() for path in files], install)


def go(name: str, package: str) -> Path:
    """A program of a module, or the one in NAME, built from what NAME/go.sum holds the digests of."""
    files = [HERE / name / "go.mod", HERE / name / "go.sum", *sorted((HERE / name).glob("*.go"))]

    def install(folder: Path) -> None:
        for path in files:
            shutil.copy(path, folder)
        run("go", "build", "-mod=readonly", "-o", folder / name, package, inside=folder, CGO_ENABLED="0")

    return made(name, [path.read_bytes() for path in files], install) / name


def java(name: str, sources: dict[str, str]) -> Path:
    """The jar that NAME/pom.xml makes of these; what is fetched has to match its checksum."""
    pom = HERE / name / "pom.xml"

    def install(folder: Path) -> None:
        shutil.copy(pom, folder)
        for path, text in sources.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        run("mvn", "--batch-mode", "--quiet", "--strict-checksums", "package", inside=folder)

    folder = made(name, [pom.read_bytes(), *(text.encode() for text in sources.values())], install)
    (jar,) = folder.glob("target/*.jar")
    return jar
