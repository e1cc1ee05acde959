"""A PostgreSQL of the local stack: a cluster in a folder of its own, made when there is none, for one user with a password.

    python -m pulumi_airlock.environments.local.postgres PORT FOLDER PASSWORD_FILE BIN

PostgreSQL runs as an ordinary user alone: for root the stack takes the echo server.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

USER = "airlock"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where none is installed, or where we are root, which it refuses."""
    if os.getuid() == 0:
        return None
    found = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parts[4]))
    path = Path(found).resolve() if found else debian[-1] if debian else None
    return path.parent if path and (path.parent / "initdb").exists() and (path.parent / "psql").exists() else None


def main() -> None:
    """Makes the cluster where there is none, then becomes the server."""
    port, folder, password, folder_of_programs = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    if not (folder / "PG_VERSION").exists():
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted start left
        options = ["-D", str(folder), "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-locale"]
        subprocess.run([str(folder_of_programs / "initdb"), *options], check=True)
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "50"}
    server = str(folder_of_programs / "postgres")
    os.execv(server, [server, "-D", str(folder), *(f"--{name}={value}" for name, value in settings.items())])  # noqa: S606


if __name__ == "__main__":
    main()
