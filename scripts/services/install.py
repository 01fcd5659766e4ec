"""Fetch what the servers need: Debian packages as root, Kafka's jars through Maven."""

# ruff: noqa: S603 - every argument list is the project's own, and none goes through a shell

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from scripts.services.errors import ServerMissing
from scripts.services.kafka import DEPLOY, find_jars, find_java, jar_directory, kafka_version
from scripts.services.mosquitto import find_mosquitto
from scripts.services.parts import Origin, find_chromium, find_gstreamer
from scripts.services.postgres import find_binaries

APT_WITHIN_S: Final = 900
MAVEN_WITHIN_S: Final = 600
GSTREAMER_PACKAGES: Final = (
    "python3",
    "python3-gi",
    "gir1.2-gstreamer-1.0",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
)
"""The RTSP server, its Python bindings, and the demuxers and payloaders that it serves files with."""

DISK_FAULT_PACKAGES: Final = {"strace": "strace", "e2fsprogs": "mkfs.ext4", "mount": "mount"}
"""What makes a disk fail in the tests, and a program of each package."""

WEBCAM_PACKAGES: Final = ("gcc", "libc6-dev")
"""What builds the stand-in for a webcam's driver."""

WEBCAM_HEADER: Final = Path("/usr/include/linux/videodev2.h")


def install() -> bool:
    """Install what can be installed here and say what could not; return whether nothing is missing now."""
    packages_present = install_packages()
    return install_kafka() and packages_present


def install_packages() -> bool:
    """Install the missing Debian packages; return whether none is missing any more."""
    missing = missing_packages()
    if not missing:
        return True
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        _say(f"not installed, because this needs root and apt-get: {' '.join(missing)}")
        return False
    _say(f"installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = [apt, "-q", "update"]
    add = [apt, "-q", "install", "-y", "--no-install-recommends", *missing]
    return all(_succeeds(step, APT_WITHIN_S, environment) for step in (update, add))


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not on this machine."""
    missing = []
    for package, find in (("mosquitto", find_mosquitto), ("postgresql", find_binaries)):
        try:
            find()
        except ServerMissing:
            missing.append(package)
    if find_chromium(os.environ).origin is Origin.MISSING:
        missing.append("chromium")
    if shutil.which("systemd-analyze") is None:
        missing.append("systemd")
    missing += [package for package, program in DISK_FAULT_PACKAGES.items() if shutil.which(program) is None]
    if shutil.which("ip") is None or shutil.which("tc") is None:
        missing.append("iproute2")
    if shutil.which("gcc") is None or not WEBCAM_HEADER.is_file():
        missing += WEBCAM_PACKAGES
    if find_gstreamer(os.environ).origin is Origin.MISSING:
        missing += GSTREAMER_PACKAGES
    return missing


def install_kafka() -> bool:
    """Fetch Kafka's jars once; return whether they and a Java are there."""
    try:
        find_java()
        find_jars()
    except ServerMissing as missing:
        maven = shutil.which("mvn")
        if maven is None or missing.program == "Java":
            _say(f"Apache Kafka {kafka_version()} not fetched, because this needs Java 17 or later and Maven")
            return False
        return _fetch_jars(maven)
    return True


def _fetch_jars(maven: str) -> bool:
    """Fetch into a directory beside the final one, so that a broken download is never taken for a complete one."""
    _say(f"fetching Apache Kafka {kafka_version()}")
    complete = jar_directory()
    partial = complete.with_name(f"{complete.name}.{os.getpid()}")
    command = [maven, "-B", "-ntp", "-q", "-f", str(DEPLOY / "pom.xml"), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    try:
        if not _succeeds(command, MAVEN_WITHIN_S, os.environ):
            return False
        shutil.rmtree(complete, ignore_errors=True)
        partial.replace(complete)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return True


def _succeeds(command: Sequence[str], within_s: float, environment: Mapping[str, str]) -> bool:
    try:
        ended = subprocess.run(command, check=False, timeout=within_s, env=environment, stdout=sys.stderr)
    except subprocess.TimeoutExpired:
        _say(f"gave up after {within_s:.0f} s: {' '.join(command)}")
        return False
    if ended.returncode != 0:
        _say(f"failed with exit code {ended.returncode}: {' '.join(command)}")
    return ended.returncode == 0


def _say(line: str) -> None:
    sys.stderr.write(f"services: {line}\n")
    sys.stderr.flush()
