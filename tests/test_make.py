"""The first minute: what `make` says, what .ci/venv does on machines that lack something, and that pins agree."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common.issuer import checked_issuer

ROOT = Path(__file__).parent.parent


def pinned(name: str) -> list[list[str]]:
    """The lines of each pin in a requirements file: version and marker first, then the hashes."""
    text = (ROOT / "requirements" / name).read_text()
    blocks = re.findall(r"^(?=[a-z0-9])(?:.*\\\n)+.*", text, re.MULTILINE)
    return [[line.strip(" \\") for line in block.splitlines()] for block in blocks]


def pins(name: str) -> dict[str, list[str]]:
    """The same by package. Programs of others may need another version of one for another Python."""
    return {lines[0].partition("==")[0]: lines for lines in pinned(name)}


PROGRAMS = ROOT / "tests" / "foreign" / "programs"
PINNED_PROGRAMS = sorted(f"../{path.relative_to(ROOT)}" for path in PROGRAMS.glob("*/requirements.txt"))


@pytest.mark.parametrize("name", ["uv.txt", "base.txt", "dev.txt", *PINNED_PROGRAMS])
def test_everything_installed_is_pinned_and_checked_by_hash(name: str) -> None:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    assert len(pinned(name)) == len([line for line in lines if line and line[0] not in " #"])
    for pin, *hashes in pinned(name):
        assert re.match(r"[a-z0-9-]+==\S+", pin), pin
        assert any(line.startswith("--hash=sha256:") for line in hashes), pin
    assert not [line for line in lines if "://" in line], "no registry is named here"


def test_development_installs_exactly_what_production_runs() -> None:
    base, dev = pins("base.txt"), pins("dev.txt")
    assert base == {package: dev[package] for package in base}


def test_make_alone_lists_every_target() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"^make ([a-z-]+) +\S", shown, re.MULTILINE) == targets


@pytest.mark.parametrize(("port", "issuer"), [("80", "http://localhost"), ("8080", "http://localhost:8080")])
def test_the_demo_on_a_port_has_an_issuer_that_browsers_write_so(port: str, issuer: str) -> None:
    asked = ["make", "--dry-run", "run", f"PORT={port}"]
    shown = subprocess.run(asked, cwd=ROOT, text=True, capture_output=True, check=True).stdout
    assert f'"${{IDP_ISSUER:-{issuer}}}"' in shown
    assert checked_issuer(issuer) == issuer


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project directory with the script and its requirements, and a bin/ with no Python in it."""
    for part in (".ci", "requirements", "tests/foreign/node"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname", "cat", "cksum", "mkdir", "rm"):
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path


@pytest.fixture
def programs(tree: Path) -> Iterator[Callable[[], dict[str, int]]]:
    """What runs in place of Django's commands, each with its process id; `runserver` ends when there is a file END."""
    (tree / ".venv" / "bin").mkdir(parents=True)
    python = tree / ".venv" / "bin" / "python"
    python.write_text(
        "#!/bin/sh\n"
        '[ "$1" = -c ] && exit 1\n'  # whether the port is taken: no
        'echo "$2 $$" >> started\n'
        '[ "$2" = runserver ] || exec sleep 60\n'
        "while [ ! -e END ]; do sleep 0.1; done\n"
        "exit 3\n"
    )
    python.chmod(0o755)

    def started() -> dict[str, int]:
        lines = (tree / "started").read_text().splitlines() if (tree / "started").exists() else []
        return {name: int(number) for name, number in (line.split() for line in lines)}

    yield started
    for process in started().values():
        if _runs(process):
            os.kill(process, signal.SIGKILL)


def _runs(process: int) -> bool:
    return Path(f"/proc/{process}").exists() and " Z " not in Path(f"/proc/{process}/stat").read_text()


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, None])
def test_the_worker_runs_beside_the_demo_and_ends_with_it(
    tree: Path, programs: Callable[[], dict[str, int]], ending: signal.Signals | None
) -> None:
    with subprocess.Popen([str(tree / ".ci" / "serve"), "8010"], cwd=tree) as serving:
        _until(lambda: set(programs()) == {"worker", "runserver"})
        if ending is None:  # the server ends by itself, as when its port is taken
            (tree / "END").touch()
        else:
            serving.send_signal(ending)
        assert serving.wait(20) == (128 + ending if ending else 3)
    assert not [name for name, process in programs().items() if _runs(process)]


def interpreter(tree: Path, name: str, version: tuple[int, int], *, venv: bool = True) -> None:
    """An interpreter on the PATH that knows its version, and may lack ensurepip or make an empty environment."""
    script = f"""#!/bin/sh
case "$*" in
    *"not (3, 11)"*) exit {int(not (3, 11) <= version < (3, 14))} ;;
    *platform*) echo {version[0]}.{version[1]}.0 ;;
    *ensurepip*) exit {int(not venv)} ;;
    *"%d.%d-venv"*) echo python{version[0]}.{version[1]}-venv ;;
    *"-m venv"*) echo "made by {name}"; mkdir .venv ;;
    *) exit 1 ;;
esac
"""
    path = tree / "bin" / name
    path.write_text(script)
    path.chmod(0o755)


def run(tree: Path, script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """One of the scripts, with only bin/ on the PATH."""
    command = [str(tree / ".ci" / script), *arguments]
    environment = {"PATH": str(tree / "bin"), "HOME": os.devnull, **environ}
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)


def venv(tree: Path, kind: str = "base") -> subprocess.CompletedProcess[str]:
    return run(tree, "venv", kind)


def test_a_machine_without_venv_is_told_the_one_line_that_fixes_it(tree: Path) -> None:
    interpreter(tree, "python3", (3, 12), venv=False)
    result = venv(tree)
    assert result.returncode == 1
    assert "sudo apt-get install -y python3.12-venv" in result.stderr
    assert not (tree / ".venv").exists()


def test_an_old_python3_is_passed_over_for_a_newer_one_and_it_says_so(tree: Path) -> None:
    interpreter(tree, "python3", (3, 9))
    interpreter(tree, "python3.12", (3, 12))
    result = venv(tree)
    assert "python3 is 3.9.0; using python3.12." in result.stderr
    assert "made by python3.12" in result.stdout


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_a_machine_with_only_an_unsuitable_python_is_told_what_is_needed(tree: Path, version: tuple[int, int]) -> None:
    interpreter(tree, "python3", version)
    result = venv(tree)
    assert result.returncode == 1
    assert f"needs Python 3.11, 3.12 or 3.13, and python3 is {version[0]}.{version[1]}.0" in result.stderr


def test_a_failed_installation_is_said_and_leaves_no_stamp(tree: Path) -> None:
    interpreter(tree, "python3", (3, 11))
    result = venv(tree)
    assert result.returncode == 1
    assert "could not be installed" in result.stderr
    assert not (tree / ".venv" / ".requirements").exists()


@pytest.fixture
def installed(tree: Path) -> Path:
    """The tree with an environment whose installer writes down what it was asked for."""
    directory = tree / ".venv" / "bin"
    directory.mkdir(parents=True)
    for name in ("python", "uv"):
        script = directory / name
        script.write_text(f'#!/bin/sh\ncase "$*" in -c*) exit 0 ;; esac\necho {name} "$@"\n')
        script.chmod(0o755)
    return tree


def test_a_current_environment_is_left_alone_until_a_pin_changes(installed: Path) -> None:
    assert "pip sync" in venv(installed).stdout
    assert venv(installed).stdout == ""
    with (installed / "requirements" / "base.txt").open("a") as pins_file:
        pins_file.write("\n")
    assert "requirements/base.txt" in venv(installed).stdout


def test_running_after_testing_keeps_the_development_packages(installed: Path) -> None:
    assert "requirements/dev.txt" in venv(installed, "dev").stdout
    assert venv(installed, "base").stdout == ""


@pytest.mark.parametrize("user", ["0", "1000"])
def test_a_bare_machine_gets_what_the_gate_needs_or_is_told_how(tree: Path, user: str) -> None:
    for name, script in {"id": f"echo {user}", "apt-get": 'echo apt-get "$@" >&2'}.items():
        (tree / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tree / "bin" / name).chmod(0o755)
    interpreter(tree, "python3", (3, 11), venv=False)
    result = run(tree, "machine")
    assert "make git python3-venv gettext procps chromium" in result.stderr
    assert "nodejs npm" in result.stderr
    if user == "0":
        assert result.returncode == 0
        assert "apt-get update" in result.stderr
        assert "apt-get install -y -qq" in result.stderr
    else:
        assert result.returncode == 1
        assert "sudo apt-get install -y make git" in result.stderr
        assert "apt-get update" not in result.stderr


# --- The packages of tests/foreign/node ----------------------------------------------------------------------------


def npm(tree: Path, status: int) -> None:
    """An npm that says what it was asked for, and makes node_modules or fails."""
    script = f'#!/bin/sh\necho npm "$@" >&2\nmkdir -p node_modules\nexit {status}\n'
    (tree / "bin" / "npm").write_text(script)
    (tree / "bin" / "npm").chmod(0o755)


def test_node_packages_are_locked_by_hash_and_name_no_registry() -> None:
    lock = json.loads((ROOT / "tests" / "foreign" / "node" / "package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]
    assert len(packages) > 2
    assert [one for one in packages if not one["integrity"].startswith("sha512-") or "resolved" in one] == []


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*/package-lock.json")), ids=lambda path: path.parent.name)
def test_node_packages_of_programs_are_locked_by_hash_and_name_no_registry(path: Path) -> None:
    packages = [package for name, package in json.loads(path.read_text())["packages"].items() if name]
    assert packages
    assert [one for one in packages if not one["integrity"].startswith("sha512-") or "resolved" in one] == []


def test_node_packages_are_installed_without_their_scripts_until_the_lock_changes(tree: Path) -> None:
    npm(tree, 0)
    assert "npm ci --ignore-scripts" in run(tree, "node").stderr
    assert run(tree, "node").stderr == ""
    with (tree / "tests" / "foreign" / "node" / "package-lock.json").open("a") as lock:
        lock.write("\n")
    assert "npm ci" in run(tree, "node").stderr


def test_a_failed_installation_of_node_packages_stops_the_gate_alone(tree: Path) -> None:
    npm(tree, 1)
    assert run(tree, "node").returncode == 0
    result = run(tree, "node", CI="true")
    assert result.returncode == 1
    assert "could not be installed" in result.stderr
    assert not (tree / "tests" / "foreign" / "node" / "node_modules" / ".requirements").exists()


def test_a_machine_without_npm_stops_the_gate_alone(tree: Path) -> None:
    result = run(tree, "node")
    assert result.returncode == 0
    assert "sudo apt-get install -y nodejs npm" in result.stderr
    assert run(tree, "node", CI="true").returncode == 1


UNSTEADY = """
import pathlib
def test_it():
    seen = pathlib.Path("seen")
    before = seen.exists()
    seen.touch()
    assert before
"""
A_FAULT = "def test_it():\n    assert False\n"
FAULTS = "import pytest\n@pytest.mark.parametrize('one', range(4))\ndef test_it(one):\n    assert False\n"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("def test_it():\n    pass\n", 0, []),
        (UNSTEADY, 0, ["== 1 failed beside others: once more, alone", "test_one.py::test_it PASSED", "== UNSTEADY"]),
        (A_FAULT, 1, ["== 1 failed beside others: once more, alone", "test_one.py::test_it FAILED"]),
        (FAULTS, 1, []),
    ],
    ids=["passes", "unsteady", "a fault", "many"],
)
def test_what_fails_in_the_gate_runs_once_more_alone(tmp_path: Path, text: str, status: int, said: list[str]) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "test_one.py").write_text(text)
    command = [str(ROOT / ".ci" / "tried"), ".venv/bin/python", "-m", "pytest", "-q", "-p", "xdist", "test_one.py"]
    settings = ("PYTEST_ADDOPTS", "VESTIBULE_TRIED_AGAIN", "FORCE_COLOR", "PY_COLORS")
    kept = {name: value for name, value in os.environ.items() if name not in settings}
    alone = {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=tmp_path, env=alone, text=True, capture_output=True, check=False)
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert [part for part in said if part not in ran.stdout] == []
    assert ("once more" in ran.stdout) == bool(said)
