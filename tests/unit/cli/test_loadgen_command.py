"""`winnow loadgen`: its traffic, its ledger, and whom it refuses to load."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from winnow.cli.loadgen_traffic import Ledger, Shape, message_of
from winnow.cli.root import app
from winnow.events.judging import judge

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SHAPE = Shape(nodes=7, rate_per_s=50, size_bytes=900, burst=10, duration_s=2, thumbnails=0.25)


def test_traffic_is_what_a_gateway_accepts() -> None:
    """Each message is valid; each node counts 1, 2, 3, … without a gap, thumbnails among them in their share."""
    positions: dict[str, list[int]] = {}
    verdicts = []
    for number in range(84):
        node, sequence, message = message_of(SHAPE, number, epoch="load-1", now=NOON)
        verdicts.append(judge(message.topic, message.payload, message.user_properties))
        assert verdicts[-1].refused is None
        assert verdicts[-1].position == ("load-1", sequence)
        assert len(message.payload) == SHAPE.size_bytes
        positions.setdefault(node, []).append(sequence)
    assert list(positions.values()) == [list(range(1, 13))] * 7
    assert sum(verdict.record.topic == "winnow.thumbnails" for verdict in verdicts) == 21


def test_bursts_come_whole_and_the_end_sends_the_rest() -> None:
    """Ten messages at once every 0.2 s; after 2 s all 100."""
    assert [SHAPE.due(elapsed_s) for elapsed_s in (0, 0.19, 0.21, 1.99, 2, 9)] == [10, 10, 20, 100, 100, 100]


def test_ledger_sends_again_what_has_no_receipt() -> None:
    """A message is due again each time its wait is over, until its receipt comes; a second receipt is counted apart."""
    ledger = Ledger(5)
    _, _, message = message_of(SHAPE, 0, epoch="load-1", now=NOON)
    ledger.accept("load-0000", 1, message, 0)
    assert ledger.due_again(4.9, at_most=9) == []
    assert ledger.due_again(5, at_most=9) == [message]
    assert ledger.due_again(6, at_most=9) == []
    ledger.strike_off("load-0000", (1,), 7)
    ledger.strike_off("load-0000", (1,), 8)
    assert ledger.due_again(20, at_most=9) == []
    assert (ledger.accepted, ledger.receipted, ledger.retried, ledger.repeated, ledger.missing) == (1, 1, 1, 1, 0)


def test_broker_of_somebody_else_is_not_loaded() -> None:
    """Without `--anywhere` only this machine's broker is spoken to."""
    result = CliRunner().invoke(app, ["loadgen", "--url", "mqtt://broker.example:1883"])
    assert result.exit_code == 2
    assert "--anywhere" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--url", "mqtt://127.0.0.1:1", "--ca-file", "ca.pem"], "mqtts://"),
        (["--url", "mqtt://127.0.0.1:1", "--password-file", "secret"], "no --username"),
        (["--url", "mqtt://127.0.0.1:1", "--username", "a", "--password-file", "none/secret"], "cannot be read"),
        (["--url", "mqtts://127.0.0.1:1", "--ca-file", "none/ca.pem"], "tls: none/ca.pem"),
        (["--url", "mqtt://name:pa55word@127.0.0.1:1"], "no login in the URL"),
        (["--url", "mqtt://name:pa55word@broker.example:1"], "--anywhere"),
    ],
)
def test_wrong_login_is_one_sentence_without_a_secret(options: list[str], said: str) -> None:
    """Nothing is sent; what to write instead is told, and no password that stood in a URL is repeated."""
    result = CliRunner().invoke(app, ["loadgen", "--duration", "0.1", "--settle", "0", *options])
    assert result.exit_code == 2
    assert said in result.output
    assert "pa55word" not in result.output
