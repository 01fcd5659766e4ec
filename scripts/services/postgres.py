"""A real PostgreSQL from the distribution's binaries."""

# ruff: noqa: S603 - every argument list is the project's own, and none goes through a shell

import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar, Final

from scripts.services.errors import ServerDidNotStart, ServerMissing
from scripts.services.local_server import LocalServer
from scripts.services.probes import postgres_answers

USER: Final = "winnow"
DEBIAN_BINARIES: Final = Path("/usr/lib/postgresql")


class PostgresServer(LocalServer):
    """A database server on loopback whose superuser `winnow` needs no password.

    Raises:
        ServerMissing: there are no PostgreSQL server programs.
    """

    name: ClassVar[str] = "PostgreSQL"

    def __init__(self, *, port: int | None = None) -> None:
        self._binaries = find_binaries()
        super().__init__(port=port)

    @property
    def address(self) -> str:
        """URL of the maintenance database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Create the database cluster where there is none, owned by the account that may run it."""
        if (self.data_dir / "PG_VERSION").exists():
            return
        self.data_dir.mkdir(exist_ok=True)
        self.root.chmod(0o711)
        if (account := self.account()) is not None:
            os.chown(self.data_dir, account.pw_uid, account.pw_gid)
        made = subprocess.run(
            [
                str(self._binaries / "initdb"),
                f"--pgdata={self.data_dir}",
                f"--username={USER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self.root,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )
        if made.returncode != 0:
            raise ServerDidNotStart(self.name, "could not create its data directory", made.stdout + made.stderr)

    def command(self) -> list[str]:
        """Return the server in the foreground, without a Unix socket."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
            "max_connections": "50",
        }
        options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        return [str(self._binaries / "postgres"), "-D", str(self.data_dir), *options]

    def answers(self) -> bool:
        """Return whether the server takes queries."""
        return postgres_answers(self.port, USER)

    def version(self) -> str:
        """Return what the program says of itself."""
        shown = subprocess.run(
            [str(self._binaries / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=10
        )
        return shown.stdout.strip().removeprefix("postgres (PostgreSQL) ")

    def account(self) -> pwd.struct_passwd | None:
        """Return an ordinary user when the caller is root, whom PostgreSQL refuses."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        return known.get("postgres") or known["nobody"]

    def stop_signal(self) -> signal.Signals:
        """Return the signal of a "fast" shutdown, which disconnects clients. Source: PostgreSQL manual, postgres(1)."""
        return signal.SIGINT


def find_binaries() -> Path:
    """Return the directory of the newest server programs.

    Raises:
        ServerMissing: there are none.
    """
    installed = sorted(DEBIAN_BINARIES.glob("*/bin/initdb"), key=_major_version)
    on_path = shutil.which("initdb")
    if not installed and on_path is None:
        raise ServerMissing(
            "PostgreSQL's server", "`apt-get install postgresql`, or set WINNOW_TEST_POSTGRES=postgresql://…"
        )
    return installed[-1].parent if installed else Path(str(on_path)).resolve().parent


def _major_version(initdb: Path) -> int:
    digits = re.match(r"\d+", initdb.parents[1].name)
    return int(digits[0]) if digits else 0
