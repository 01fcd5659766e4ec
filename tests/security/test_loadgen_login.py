"""`winnow loadgen` on a broker that asks who is there: with a certificate on the production files, and with a login."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.services import MosquittoServer, free_port
from tests.end_to_end.installation import made, write_settings
from tests.end_to_end.processes import CHECKOUT, winnow
from tests.end_to_end.test_settings_reloaded import password_line
from tests.security.production_broker import ProductionBroker
from winnow.cli.certificates import Authority, Role

RULE = Path(__file__).parents[2] / "docs" / "gateway.md"
PASSWORD = "pa55word-of-the-load"  # noqa: S105 - of a broker of this test


def rules() -> list[str]:
    """Return the access rules for the load generator as the documentation gives them."""
    text = RULE.read_text(encoding="utf-8")
    lines = text.partition("user load\n")[2].partition("```")[0].splitlines()
    assert len(lines) == 3
    return ["user load", *lines]


@pytest.fixture(scope="module")
def load_certificate(authority: Path) -> Path:
    """Return the folder of the load generator's own certificate."""
    Authority(authority).issue("load", Role.NODE, datetime.now(UTC))
    return authority / "load"


@pytest.fixture(scope="module")
def ready_broker(authority: Path) -> Iterator[ProductionBroker]:
    """Return a production broker that lets the holder of that certificate speak for many nodes."""
    with made(lambda: ProductionBroker(authority, rules=rules())) as server:
        assert isinstance(server, ProductionBroker)
        yield server


def loadgen(url: str, *options: str, environment: Mapping[str, str]) -> tuple[int, dict[str, Any], str]:
    """Return exit code, summary and everything that was printed."""
    command = [sys.executable, "-m", "winnow.cli", "loadgen", "--url", url, "--nodes", "20", "--json"]
    command += ["--rate", "100", "--duration", "1", "--settle", "4", *options]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    summary = dict(json.loads(done.stdout)) if done.stdout.startswith("{") else {}
    return done.returncode, summary, done.stdout + done.stderr


def test_certificate_lets_it_speak_for_many_nodes(
    authority: Path, ready_broker: ProductionBroker, load_certificate: Path, tmp_path: Path
) -> None:
    """Under the documented rules each message is receipted; without a certificate the broker turns it away."""
    url, ca, port = f"mqtts://localhost:{ready_broker.port}", str(authority / "ca.pem"), free_port()
    files = {"certificate_file": str(authority / "gateway" / "certificate.pem")}
    files |= {"key_file": str(authority / "gateway" / "key.pem"), "ca_file": ca}
    settings = {"mqtt": {"url": url, "tls": files}, "destination": f"sqlite:///{tmp_path}/events.db"}
    config = write_settings(tmp_path / "gateway.yaml", settings | {"metrics": {"port": port}})
    with winnow("gateway", "gateway", "-c", str(config), folder=tmp_path, health_port=port) as gateway:
        gateway.wait_until_ready()
        key = {"WINNOW_MQTT_KEY_FILE": str(load_certificate / "key.pem"), "WINNOW_MQTT_CA_FILE": ca}
        certificate = str(load_certificate / "certificate.pem")
        code, summary, told = loadgen(url, "--certificate-file", certificate, environment=key)
        assert (code, summary["accepted"], summary["receipted"]) == (0, 100, 100), told
        code, summary, told = loadgen(url, "--ca-file", ca, "--settle", "0", environment={})
        assert (code, summary["receipted"]) == (1, 0), told
        assert summary["problem"]


@pytest.mark.parametrize("way", ["file", "environment"])
def test_password_comes_from_a_file_or_the_environment(tmp_path: Path, way: str) -> None:
    """The broker lets it in with the password and not with another; no line that is printed repeats it."""
    known, secret = tmp_path / "known", tmp_path / "secret"
    known.write_text(password_line("load", PASSWORD), encoding="utf-8")
    secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
    right = {"WINNOW_MQTT_PASSWORD_FILE": str(secret)} if way == "file" else {"WINNOW_MQTT_PASSWORD": PASSWORD}
    with made(lambda: MosquittoServer(settings=[f"password_file {known}"])) as broker:
        url = f"mqtt://{broker.address}"
        _, let_in, told = loadgen(url, "--username", "load", "--settle", "0", environment=right)
        _, turned_away, _ = loadgen(
            url, "--username", "load", "--settle", "0", environment={"WINNOW_MQTT_PASSWORD": "another"}
        )
    assert (let_in["connections"], let_in["accepted"]) == (1, 100), told
    assert (turned_away["connections"], turned_away["accepted"]) == (0, 0)
    assert "0x87" in turned_away["problem"]
    assert PASSWORD not in told
