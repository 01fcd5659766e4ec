"""Backoff, clocks, logs, metrics and signals."""

import io
import json
import logging
import os
import signal
import urllib.error
import urllib.request
from datetime import UTC, datetime
from random import Random

import pytest
from prometheus_client import CollectorRegistry, Counter

from winnow.runtime.clock import SystemClock
from winnow.runtime.logs import ConsoleFormatter, JsonFormatter, configure_logging
from winnow.runtime.metrics import metrics_server
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.retry import Backoff
from winnow.runtime.stopping import stop_on_signals
from winnow.runtime.testing import ManualClock


def test_backoff_doubles_up_to_its_limit() -> None:
    """Without jitter the delays are 1, 2, 4, 4, …; after a success they start again."""
    backoff = Backoff(first_s=1, limit_s=4, jitter=0)
    assert [backoff.next_delay_s() for _ in range(4)] == [1, 2, 4, 4]
    backoff.reset()
    assert backoff.next_delay_s() == 1


def test_backoff_jitter_stays_in_its_band() -> None:
    """Every delay is within 1 ± jitter of its step."""
    backoff = Backoff(first_s=10, limit_s=10, jitter=0.3, random=Random(1))
    delays = [backoff.next_delay_s() for _ in range(200)]
    assert min(delays) >= 7
    assert max(delays) <= 13
    assert len(set(delays)) > 100


def test_manual_clock_moves_only_when_told() -> None:
    """Sleeping on it moves both times; a step moves the wall time alone."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.sleep(2)
    clock.step_wall(-10)
    assert clock.monotonic_s() == 2
    assert clock.now() == datetime(2025, 12, 31, 23, 59, 52, tzinfo=UTC)


def test_system_clock_is_aware_and_monotonic() -> None:
    """Wall time has a zone; monotonic time does not go back."""
    clock = SystemClock()
    before = clock.monotonic_s()
    clock.sleep(0)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic_s() >= before


def _record(**facts: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "winnow.x", "levelname": "WARNING", "msg": "Broker is away", **facts})


def test_log_line_for_programs_is_json_with_facts() -> None:
    """Facts given with `extra` are fields beside the constant message."""
    line = json.loads(JsonFormatter().format(_record(broker="b:1883", waited_s=3)))
    assert line["message"] == "Broker is away"
    assert (line["broker"], line["waited_s"], line["level"]) == ("b:1883", 3, "WARNING")


def test_log_line_for_people_ends_with_facts() -> None:
    """A person reads the message first."""
    assert ConsoleFormatter().format(_record(broker="b:1883")).endswith("WARNING Broker is away  broker=b:1883")


def test_logging_is_json_where_nobody_looks() -> None:
    """A stream that is no terminal gets one JSON object a line."""
    stream = io.StringIO()
    configure_logging("INFO", stream)
    logging.getLogger("winnow.test").info("Started", extra={"node": "n"})
    assert json.loads(stream.getvalue())["node"] == "n"


def _get(host: str, port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def test_metrics_and_health_are_served_on_loopback() -> None:
    """`/metrics` has the counters, `/healthz` answers 503 as soon as the process is not well."""
    registry = CollectorRegistry()
    Counter("winnow_test_things", "Things.", registry=registry).inc(3)
    state: dict[str, object] = {"ok": True}
    with metrics_server(registry, lambda: state, host="127.0.0.1", port=0) as (host, port):
        assert "winnow_test_things_total 3.0" in _get(host, port, "/metrics")[1]
        assert _get(host, port, "/healthz")[0] == 200
        state["ok"] = False
        assert _get(host, port, "/healthz") == (503, '{"ok": false}')
        assert _get(host, port, "/")[0] == 404


def test_first_signal_asks_to_stop_and_handlers_come_back() -> None:
    """SIGTERM sets the event; after the block the former handler is in place."""
    former = signal.getsignal(signal.SIGTERM)
    with stop_on_signals() as stopping:
        assert not stopping.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.wait(5)
    assert signal.getsignal(signal.SIGTERM) is former


def test_mqtt_address_has_the_schemes_port() -> None:
    """1883 in the clear, 8883 with TLS, unless the URL says otherwise."""
    assert MqttSettings(url="mqtt://broker").address == ("broker", 1883)
    assert MqttSettings(url="mqtts://broker").address == ("broker", 8883)
    assert MqttSettings(url="mqtt://[::1]:1999").address == ("::1", 1999)


@pytest.mark.parametrize("url", ["broker:1883", "http://broker", "mqtt://", "mqtt://user:secret@broker"])
def test_mqtt_url_that_is_none_or_holds_a_login_is_refused(url: str) -> None:
    """Passwords come from files, never from a URL that ends up in logs."""
    with pytest.raises(ValueError, match=r"write mqtt|password_file") as raised:
        MqttSettings(url=url)
    assert "secret" not in str(raised.value)
