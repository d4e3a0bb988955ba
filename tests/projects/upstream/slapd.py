"""OpenLDAP's server on a port of this machine, with two people in it. It stops when it is left."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("/usr/sbin/slapd", "/usr/sbin/slapadd")
BASE = "dc=corp,dc=example"
ROOT = f"cn=reader,{BASE}"
ROOT_PASSWORD = "reader-pw"
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
maxsize 10485760
suffix {base}
rootdn {root}
rootpw {password}
directory {folder}/db
access to attrs=userPassword by anonymous auth
access to * by dn.exact="{root}" read by self read by * none
"""
ENTRIES = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
dc: corp
o: Corp

dn: uid=ada,{BASE}
objectClass: inetOrgPerson
uid: ada
cn: Ada Away
givenName: Ada
sn: Away
mail: ada@corp.example
departmentNumber: 7
employeeType: cn=admins,{BASE}
userPassword: ada-pw

dn: uid=eve,{BASE}
objectClass: inetOrgPerson
uid: eve
cn: Eve
sn: Eve
mail: owner@people.example
userPassword: eve-pw
"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "db").mkdir()
    said = {"folder": folder, "base": BASE, "root": ROOT, "password": ROOT_PASSWORD}
    (folder / "slapd.conf").write_text(CONFIGURATION.format(**said))
    add = [PROGRAMS[1], "-f", str(folder / "slapd.conf")]
    subprocess.run(add, input=ENTRIES, text=True, check=True, capture_output=True, timeout=60)
    address = f"ldap://127.0.0.1:{port}"
    process = subprocess.Popen(
        [PROGRAMS[0], "-h", address, "-f", str(folder / "slapd.conf"), "-d", "0"], stderr=subprocess.DEVNULL
    )
    try:
        _wait(port, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("slapd did not start")


def there() -> bool:
    return all(shutil.which(one) for one in PROGRAMS)
