"""A real Mosquitto with the production files of `deploy/`, only their paths and the port put in place of the others."""

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from scripts.services.local_server import LocalServer
from scripts.services.mosquitto import find_mosquitto

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
INSTALLED: Final = "/etc/mosquitto/winnow"


class ProductionBroker(LocalServer):
    """Mosquitto as docs/security.md sets it up.

    Args:
        authority: the authority's folder; its server certificate is called `localhost`.
        without: lines of the production file that begin so are left out: the control of a test.
        extra: lines that are added.
        rules: lines that are added to the access rules.

    Raises:
        ServerMissing: there is no `mosquitto` program.
    """

    name: ClassVar[str] = "Mosquitto"

    def __init__(
        self, authority: Path, *, without: Sequence[str] = (), extra: Sequence[str] = (), rules: Sequence[str] = ()
    ) -> None:
        self._program = find_mosquitto()
        self._authority = authority
        self._without = tuple(without)
        self._extra = tuple(extra)
        self._rules = tuple(rules)
        super().__init__()

    def prepare(self) -> None:
        """Install the two files and the certificates as a person would."""
        self.data_dir.mkdir(exist_ok=True)
        conf, files = self.root / "conf.d", self.root / "winnow"
        conf.mkdir(exist_ok=True)
        files.mkdir(exist_ok=True)
        shutil.copy(DEPLOY / "mosquitto.conf", conf / "winnow-limits.conf")
        text = (DEPLOY / "mosquitto-production.conf").read_text(encoding="utf-8")
        assert INSTALLED in text
        text = text.replace(INSTALLED, str(files)).replace("listener 8883", f"listener {self.port} 127.0.0.1")
        lines = [line for line in text.splitlines() if not line.startswith(self._without)] if self._without else [text]
        (conf / "winnow.conf").write_text("\n".join((*lines, *self._extra)) + "\n", encoding="utf-8")
        rules = (DEPLOY / "mosquitto-acl").read_text(encoding="utf-8")
        (files / "acl").write_text("\n".join((rules, *self._rules)) + "\n", encoding="utf-8")
        for name in ("certificate.pem", "key.pem"):
            shutil.copy(self._authority / "localhost" / name, files / name)
        shutil.copy(self._authority / "ca.pem", files / "ca.pem")
        self.copy_revocations()
        main = (
            f"persistence_location {self.data_dir}/",
            "log_dest stderr",
            "user root",  # it gives up root for a user who may not read here; without root the line is ignored
            f"include_dir {conf}",
        )
        (self.root / "mosquitto.conf").write_text("\n".join(main) + "\n", encoding="utf-8")

    def copy_revocations(self) -> None:
        """Install the authority's list of revoked certificates as it is now."""
        shutil.copy(self._authority / "crl.pem", self.root / "winnow" / "crl.pem")

    def command(self) -> list[str]:
        """Return the broker in the foreground."""
        return [self._program, "-c", str(self.root / "mosquitto.conf")]

    def answers(self) -> bool:
        """Return whether the port is open."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def version(self) -> str:
        """Return nothing of interest."""
        return ""

    def log(self) -> str:
        """Return what the broker wrote."""
        return self.log_path.read_text(errors="replace")
