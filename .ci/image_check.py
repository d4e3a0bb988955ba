"""Is what the container files make a good image? Answers without an engine: `make image-check`.

By default the steps of the Dockerfile are taken in directories that begin as Debian does (debootstrap), which takes a
few minutes. `--quick`, for the gate, takes the files and packages that the image gets, and the Python of this machine.
Either way the server runs as the image would run it: another user, nothing but /tmp to be written, no capabilities.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from image_steps import ROOT, Image, build, context, stages, variables

BASE = ROOT / "var" / "image" / "base"
ISSUER = "https://id.example.com"
WANTED = (
    "manage.py",
    "pyproject.toml",
    "LICENSE",
    "idp/server.py",
    "templates/base.html",
    "idp/locale/de/LC_MESSAGES/django.mo",
)
KEPT_OUT = ("tests", "docs", "verifier", ".git", ".ci", "var", "requirements")
VARIABLES = {
    "IDP_ISSUER": ISSUER,
    "DATABASE_URL": "sqlite:////tmp/check.sqlite3",
    "EMAIL_URL": "consolemail://",
    "ADMIN_PASSWORD": secrets.token_urlsafe(),
    "SECRET_KEY": secrets.token_urlsafe(48),
    "IDP_KEY_SECRETS": secrets.token_urlsafe(48),
}
ENTER = """
mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; mount --bind "$1" "$0/tmp"; mount -t proc proc "$0/proc"
mount --bind /dev/null "$0/dev/null"; mount --bind /dev/urandom "$0/dev/urandom"
shift; exec chroot "$0" /usr/bin/env -i "$@"
"""
ENTER_HERE = """
mount -t tmpfs none /srv; mkdir /srv/vestibule; mount --bind "$0/srv/vestibule" /srv/vestibule
mount --bind "$1" /tmp; mount -o remount,bind,ro /srv/vestibule; mount -o remount,ro /srv
shift; exec /usr/bin/env -i "$@"
"""


def debian(base: str) -> Path:
    """A Debian of the release that the base image is of, made once."""
    found = re.match(r"debian:(\w+)-slim@sha256:[0-9a-f]{64}$", base)
    if not found:
        raise SystemExit(f"The base image is {base}; it should be debian:RELEASE-slim with its digest.")
    if not BASE.exists():
        if not shutil.which("debootstrap"):
            raise SystemExit("debootstrap is missing here. On Debian: apt-get install debootstrap; or use --quick.")
        print(f"  making a Debian {found[1]} in {BASE.relative_to(ROOT)}", flush=True)
        unfinished = BASE.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(["debootstrap", "--variant=minbase", found[1], unfinished], stdout=subprocess.DEVNULL)
        if made.returncode:
            raise SystemExit("debootstrap failed: the lines above say why.")
        unfinished.rename(BASE)
    return BASE


def assembled(work: Path, text: str) -> Image:
    """The files and packages of the image, for the Python of this machine."""
    image = Image(work / "image")
    place = image.root / "srv" / "vestibule"
    for path in context():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, place / path)
    uv, python = str(ROOT / ".venv" / "bin" / "uv"), str(place / ".venv" / "bin" / "python")
    trusting = os.environ | {"UV_SYSTEM_CERTS": "1"}  # what this machine believes, as .ci/venv has it
    subprocess.run([uv, "venv", "-q", "--python", "/usr/bin/python3", place / ".venv"], check=True)
    wanted = str(place / "requirements" / "base.txt")
    subprocess.run([uv, "pip", "sync", "-q", "--python", python, "--require-hashes", wanted], check=True, env=trusting)
    shutil.rmtree(place / "requirements")
    last = dict(stages(text)[-1].steps)
    image.folder, image.user, image.command = last["WORKDIR"], last["USER"], json.loads(last["CMD"])
    image.variables = variables(last["ENV"])
    return image


class Running:
    """The image as an engine would run it, with a /tmp of its own that outlives each command."""

    def __init__(self, image: Image, here: bool) -> None:
        self.image, self.here = image, here
        self.tmp = Path(tempfile.mkdtemp(prefix="vestibule-image-"))
        self.tmp.chmod(0o1777)

    def line(self, command: list[str]) -> list[str]:
        user, group = self.image.user.split(":")
        env = [f"{name}={value}" for name, value in (self.image.variables | VARIABLES).items()]
        drop = [
            "setpriv",
            f"--reuid={user}",
            f"--regid={group}",
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set=-all",
        ]
        inside = [*drop, "sh", "-c", f'cd {self.image.folder} && exec "$@"', "sh", *command]
        enter = ENTER_HERE if self.here else ENTER
        return ["unshare", "-m", "sh", "-ec", enter, str(self.image.root), str(self.tmp), *env, *inside]

    def answer(self, *command: str) -> str:
        done = subprocess.run(self.line(list(command)), capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(
                f"In the image, {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    @contextmanager
    def server(self, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """The image's own command, on loopback."""
        command = ["127.0.0.1" if word == "0.0.0.0" else word for word in self.image.command]  # noqa: S104
        process = subprocess.Popen(self.line([*command, "--port", str(port), "--workers", "1"]))
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            ended = process.wait(timeout=60)
        require(ended == 0, f"the server ends well when it is told to ({ended})")


def require(holds: object, sentence: str) -> None:
    print(f"  {'ok' if holds else 'FAILED'}: {sentence}", flush=True)
    if not holds:
        sys.exit(1)


def ask(port: int, path: str, method: str = "GET", **options: object) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": ISSUER.removeprefix("https://")} | dict(options.pop("headers", {}))  # type: ignore[call-overload]
    connection.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def look_at_files(image: Image) -> None:
    place = image.root / image.folder.lstrip("/")
    require(all((place / name).exists() for name in WANTED), "the product is in it")
    kept = [name for name in KEPT_OUT if (place / name).exists()]
    require(not kept, f"and nothing that only developers need {kept or ''}")
    size = subprocess.run(["du", "-sm", image.root], check=True, capture_output=True, text=True).stdout.split()[0]
    print(f"  it takes {size} MB, unpacked")


def look_at_it_run(image: Image, here: bool) -> None:
    run = Running(image, here)
    try:
        require(run.answer("id", "-u") == image.user.split(":")[0] != "0", "it does not run as root")
        written = run.answer("sh", "-c", "touch ./x 2>/dev/null || touch /srv/x 2>/dev/null || echo no; touch /tmp/x")
        require(written == "no", "it can write nowhere but in /tmp")
        require(run.answer("python", "manage.py", "--version"), "it says which version it is")
        if not here:
            run.answer("python", "-c", "import ldap, onelogin.saml2")
            require(True, "people can sign in by directories and SAML")
        run.answer("env", "IDP_ISSUER=https://localhost:8443", "python", "manage.py", "check")
        require(True, "it starts on loopback, as compose.yaml begins, and makes no secrets of its own there")
        run.answer("python", "manage.py", "quickstart", "--no-demo")
        require(True, "quickstart makes the tables")
        run.answer("python", "manage.py", "createproject", "acme")
        client = ["--type", "machine", "--project", "acme", "--id", "job"]
        made = run.answer("python", "manage.py", "createclient", *client, "--format", "json")
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        with run.server(port):
            look_at_it_serve(port, json.loads(made)["client_secret"])
        require("delivermail" in run.answer("python", "manage.py", "worker", "--once"), "the worker works")
    finally:
        shutil.rmtree(run.tmp, ignore_errors=True)


def look_at_it_serve(port: int, secret: str) -> None:
    require(until(lambda: ask(port, "/healthz/live")[0] == 200), "the server is alive")
    status, body = ask(port, "/healthz/ready")
    require(status == 200, f"and ready: {body}")
    status, body = ask(port, "/.well-known/openid-configuration")
    require(status == 200 and json.loads(body)["issuer"] == ISSUER, "discovery")
    status, page = ask(port, "/accounts/login/")
    sheets = re.findall(r'<link[^>]+href="([^"]+\.css[^"]*)"', page)
    require(status == 200 and sheets, "the sign-in page")
    require(all(ask(port, sheet)[0] == 200 for sheet in sheets), "and its style sheets")
    basic = {"Authorization": "Basic " + b64encode(f"job:{secret}".encode()).decode()}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body = ask(port, "/oauth2/token", "POST", body="grant_type=client_credentials", headers=basic | form)
    require(status == 200 and "access_token" in json.loads(body), "a token")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="with the Python of this machine, in half a minute")
    quick = parser.parse_args().quick
    if lacking := _lacking():
        print(f"  not run: {lacking}")
        sys.exit(not quick)
    text = (ROOT / "Dockerfile").read_text()
    with tempfile.TemporaryDirectory(prefix="image-", dir=_work()) as work:
        base = stages(text)[0].base
        image = assembled(Path(work), text) if quick else build(text, debian(base), Path(work))
        look_at_files(image)
        look_at_it_run(image, quick)


def _lacking() -> str:
    """What this machine would need to run the image's parts as the image would."""
    if os.geteuid():
        return "it needs root, to be another user and to close directories."
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        return "no mount namespace can be made here."
    suits = "import sys; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run(["/usr/bin/python3", "-c", suits], capture_output=True).returncode:
        return "/usr/bin/python3 is not there, or older than 3.11."
    return ""


def _work() -> Path:
    folder = ROOT / "var" / "image"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    main()
