"""A real Mosquitto with the limits of `deploy/mosquitto.conf`."""

# ruff: noqa: S603 - every argument list is the project's own, and none goes through a shell

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from scripts.services.errors import ServerMissing
from scripts.services.local_server import LocalServer
from scripts.services.probes import mqtt_answers

DEPLOYED_LIMITS: Final = Path(__file__).parents[2] / "deploy" / "mosquitto.conf"


class MosquittoServer(LocalServer):
    """An MQTT broker on loopback, open to everyone on this machine.

    Raises:
        ServerMissing: there is no `mosquitto` program.
    """

    name: ClassVar[str] = "Mosquitto"

    def __init__(self, *, port: int | None = None, settings: Sequence[str] = ()) -> None:
        """Take further lines of mosquitto.conf, which win over the deployed limits."""
        self._program = find_mosquitto()
        self._settings = tuple(settings)
        super().__init__(port=port)

    def prepare(self) -> None:
        """Write the configuration: the deployed limits, then one loopback listener and a data directory."""
        self.data_dir.mkdir(exist_ok=True)
        own = (
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            f"persistence_location {self.data_dir}/",
            "log_dest stderr",
            "user root",  # the broker gives up root for a user who may not write here; without root the line is ignored
        )
        lines = (DEPLOYED_LIMITS.read_text(encoding="utf-8"), *self._settings, *own)
        (self.root / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def command(self) -> list[str]:
        """Return the broker in the foreground."""
        return [self._program, "-c", str(self.root / "mosquitto.conf")]

    def answers(self) -> bool:
        """Return whether the broker accepts a client."""
        return mqtt_answers(self.port)

    def version(self) -> str:
        """Return what the program says of itself."""
        shown = subprocess.run([self._program, "-h"], capture_output=True, text=True, check=False, timeout=10)
        return shown.stdout.splitlines()[0].removeprefix("mosquitto version ")


def find_mosquitto() -> str:
    """Return the broker's program; Debian keeps it where only root's search path looks.

    Raises:
        ServerMissing: there is none.
    """
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise ServerMissing("mosquitto", "`apt-get install mosquitto`, or set WINNOW_TEST_MQTT=host:port")
    return program
