"""The real parts that the tests use: each given by the environment, started here, replaced, or missing."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from scripts.services.errors import ServerMissing
from scripts.services.kafka import KafkaServer
from scripts.services.librdkafka import LibrdkafkaServer
from scripts.services.local_server import LocalServer
from scripts.services.mosquitto import MosquittoServer
from scripts.services.postgres import PostgresServer

KAFKA_KIND: Final = "WINNOW_TEST_KAFKA_KIND"
REQUIRE_REAL: Final = "WINNOW_REQUIRE_REAL"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
SYSTEM_PYTHON: Final = "/usr/bin/python3"
"""Debian's own Python: the bindings of its GStreamer packages are for no other."""

_GSTREAMER_VERSION: Final = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
for element in ("filesrc", "matroskademux", "rtph264pay", "rtph265pay", "rtpjpegpay", "rtpbin", "udpsink"):
    assert Gst.ElementFactory.find(element), element
print(Gst.version_string())
"""


class Origin(Enum):
    """Where a part came from."""

    GIVEN = "given in the environment"
    STARTED = "started for this run"
    FOUND = "found on this machine"
    STAND_IN = "STAND-IN, not the real thing"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part and how it is reached.

    Attributes:
        name: what a person calls it.
        exports: environment variables that tell a test where it is; empty if it is missing.
        detail: its version, or what to do to get it.
        server: the process to close at the end, if one was started.
    """

    name: str
    origin: Origin
    detail: str
    exports: Mapping[str, str]
    server: LocalServer | None = None

    @property
    def real(self) -> bool:
        """Whether this is the very software that runs in production."""
        return self.origin not in {Origin.STAND_IN, Origin.MISSING}

    def __str__(self) -> str:
        return f"{self.name}: {self.origin.value} ({self.detail})"


def open_mqtt(environment: Mapping[str, str]) -> Part:
    """Return the MQTT broker, started unless WINNOW_TEST_MQTT names one."""
    return _given_or_started("Mosquitto", "WINNOW_TEST_MQTT", MosquittoServer, environment)


def open_postgres(environment: Mapping[str, str]) -> Part:
    """Return the database server, started unless WINNOW_TEST_POSTGRES names one."""
    return _given_or_started("PostgreSQL", "WINNOW_TEST_POSTGRES", PostgresServer, environment)


def open_kafka(environment: Mapping[str, str]) -> Part:
    """Return Apache Kafka, started unless WINNOW_TEST_KAFKA names one; without Java, librdkafka's mock cluster."""
    variable = "WINNOW_TEST_KAFKA"
    given = environment.get(variable)
    if given:
        kind = environment.get(KAFKA_KIND, "apache")
        origin = Origin.GIVEN if kind == "apache" else Origin.STAND_IN
        return Part(name="Apache Kafka", origin=origin, detail=given, exports={variable: given, KAFKA_KIND: kind})
    real = _given_or_started("Apache Kafka", variable, KafkaServer, {})
    if real.real:
        return _with_export(real, KAFKA_KIND, "apache")
    stand_in = _given_or_started("Apache Kafka", variable, LibrdkafkaServer, {})
    if stand_in.origin is Origin.MISSING:
        return real
    return Part(
        name="Apache Kafka",
        origin=Origin.STAND_IN,
        detail=f"librdkafka {stand_in.detail} instead; {real.detail}",
        exports={**stand_in.exports, KAFKA_KIND: "librdkafka"},
        server=stand_in.server,
    )


def find_chromium(environment: Mapping[str, str]) -> Part:
    """Return the browser, from WINNOW_TEST_CHROMIUM or the search path."""
    variable = "WINNOW_TEST_CHROMIUM"
    given = environment.get(variable)
    found = given or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        detail = f"`apt-get install chromium`, or set {variable}=/path/to/chromium"
        return Part(name="Chromium", origin=Origin.MISSING, detail=detail, exports={})
    origin = Origin.GIVEN if given else Origin.FOUND
    return Part(name="Chromium", origin=origin, detail=found, exports={variable: found})


def find_gstreamer(environment: Mapping[str, str]) -> Part:
    """Return GStreamer's RTSP server: the Python that can run it, from WINNOW_TEST_GSTREAMER or Debian's own."""
    variable = "WINNOW_TEST_GSTREAMER"
    name, given = "GStreamer RTSP server", environment.get(variable)
    if given:
        return Part(name=name, origin=Origin.GIVEN, detail=given, exports={variable: given})
    try:
        asked = subprocess.run(  # noqa: S603 - our own program
            [SYSTEM_PYTHON, "-c", _GSTREAMER_VERSION], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        detail = f"`apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good`, or set {variable}"
        return Part(name=name, origin=Origin.MISSING, detail=detail, exports={})
    return Part(name=name, origin=Origin.FOUND, detail=asked.stdout.strip(), exports={variable: SYSTEM_PYTHON})


OPENERS: Final[Mapping[str, Callable[[Mapping[str, str]], Part]]] = {
    "mqtt": open_mqtt,
    "kafka": open_kafka,
    "postgres": open_postgres,
    "chromium": find_chromium,
    "gstreamer": find_gstreamer,
}


def report(parts: list[Part]) -> str:
    """Return one line a part, and a loud last one that says whether all of them were real."""
    lines = [f"  {part}" for part in parts]
    absent = [part.name for part in parts if not part.real]
    verdict = f"NOT REAL: {', '.join(absent)}" if absent else "All parts are real."
    return "\n".join(["Real parts of the tests", *lines, verdict])


def _given_or_started(
    name: str, variable: str, server_class: Callable[[], LocalServer], environment: Mapping[str, str]
) -> Part:
    given = environment.get(variable)
    if given:
        return Part(name=name, origin=Origin.GIVEN, detail=given, exports={variable: given})
    try:
        server = server_class()
    except ServerMissing as missing:
        return Part(name=name, origin=Origin.MISSING, detail=str(missing), exports={})
    server.__enter__()
    return Part(
        name=name, origin=Origin.STARTED, detail=server.version(), exports={variable: server.address}, server=server
    )


def _with_export(part: Part, variable: str, value: str) -> Part:
    return Part(
        name=part.name,
        origin=part.origin,
        detail=part.detail,
        exports={**part.exports, variable: value},
        server=part.server,
    )
