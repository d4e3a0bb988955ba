"""The steps of our Dockerfile, taken in directories: what is built without an engine is what an engine would build.

Knows the instructions that ours has, and refuses others. Each stage is a directory; RUN happens in it by chroot, in a
mount namespace of its own, as root.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parent.parent
SILENT = ("EXPOSE", "STOPSIGNAL", "HEALTHCHECK")  # say what an engine does with the image, not what is in it
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")  # what this machine believes, lent while building


@dataclass
class Stage:
    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Image:
    """What came out, and what it says of how it is run."""

    root: Path
    folder: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)


def stages(text: str) -> list[Stage]:
    """The Dockerfile as its stages, with build arguments at their defaults."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, rest = line.split(maxsplit=1)
        if word == "ARG" and not found:
            name, _equals, value = rest.partition("=")
            arguments[name] = value
        elif word == "FROM":
            base, _as, name = re.sub(r"\$\{(\w+)\}", lambda m: arguments[m[1]], rest).partition(" AS ")
            found.append(Stage(name, base))
        else:
            found[-1].steps.append((word, rest))
    return found


class Ignored:
    """`.dockerignore`: the last line that matches decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        self.rules = [(line.removeprefix("!"), line.startswith("!")) for line in lines]

    def __call__(self, path: str) -> bool:
        """Whether this path, from the top, is kept out of the image."""
        kept = True
        for pattern, let_in in self.rules:
            if any(self._matches(one, pattern) for one in _and_above(path)):
                kept = let_in
        return not kept

    @staticmethod
    def _matches(path: str, pattern: str) -> bool:
        if pattern.startswith("**/"):
            return fnmatchcase(path.rpartition("/")[2], pattern.removeprefix("**/"))
        return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _and_above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def context(root: Path = ROOT) -> list[str]:
    """The files that the build is given: those of git, less what `.dockerignore` keeps out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    ignored = Ignored((root / ".dockerignore").read_text())
    return [path for path in listed.split("\0") if path and not ignored(path)]


def build(text: str, base: Path, work: Path) -> Image:
    """Every stage in a directory below `work`, beginning as copies of `base`; answers the last."""
    built: dict[str, Path] = {}
    for stage in stages(text):
        image = Image(work / (stage.name or "image"))
        print(f"  FROM {stage.base}" + (f" AS {stage.name}" if stage.name else ""), flush=True)
        subprocess.run(["cp", "-a", "--reflink=auto", base, image.root], check=True)
        for word, rest in stage.steps:
            _take(image, word, rest, built)
        built[stage.name] = image.root
    return image


def _take(image: Image, word: str, rest: str, built: dict[str, Path]) -> None:
    if word == "RUN":
        print(f"  RUN {rest[:100]}", flush=True)
        _run(image, rest)
    elif word == "COPY":
        copy(image, rest, built)
    elif word == "WORKDIR":
        image.folder = rest
        (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "ENV":
        image.variables |= variables(rest)
    elif word == "USER":
        image.user = rest
    elif word == "CMD":
        image.command = json.loads(rest)
    elif word not in SILENT:
        raise SystemExit(f"The check does not know the instruction {word} of the Dockerfile.")


def variables(rest: str) -> dict[str, str]:
    """What ENV says."""
    return {name: value for name, _equals, value in (one.partition("=") for one in shlex.split(rest))}


def copy(image: Image, rest: str, built: dict[str, Path]) -> None:
    *options, source, target = rest.split()
    into = image.root / (target.lstrip("/") if target.startswith("/") else f"{image.folder.lstrip('/')}/{target}")
    if options:
        stage = built[options[0].removeprefix("--from=")]
        subprocess.run(["cp", "-a", "--reflink=auto", stage / source.lstrip("/"), into], check=True)
        return
    for path in context():
        if source == "." or path == source or path.startswith(f"{source}/"):
            to = into / (path if source == "." else path.removeprefix(source).lstrip("/"))
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, to)


def _run(image: Image, command: str) -> None:
    lent = image.root / "run" / "lent-certificates"
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, lent)
    shutil.copy("/etc/resolv.conf", image.root / "etc" / "resolv.conf")
    mounts = f"mount -t proc proc {image.root}/proc; mount --rbind /dev {image.root}/dev; "
    inside = f"cd {image.folder}; {command}"
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    env |= {"DEBIAN_FRONTEND": "noninteractive", "PIP_CERT": "/run/lent-certificates"} | proxies | image.variables
    subprocess.run(
        ["unshare", "-m", "sh", "-ec", f'{mounts}exec chroot {image.root} /bin/sh -ec "$1"', "sh", inside],
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lent.unlink(missing_ok=True)
