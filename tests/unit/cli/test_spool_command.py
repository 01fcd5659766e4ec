"""`winnow spool rotate-key`, and where the keys come from."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from winnow.cli.root import app
from winnow.cli.spool_keys import spool_rows
from winnow.pipeline.delivery import DeliveryMetrics, SqliteSpool
from winnow.pipeline.delivery.key_file import KeyFileError, read_keys
from winnow.pipeline.delivery.testing import crossing
from winnow.pipeline.settings import EdgeSettings, SpoolSettings
from winnow.runtime.settings import load_settings
from winnow.runtime.testing import ManualClock


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return settings that name a key file and a spool, neither of which exists."""
    config = tmp_path / "edge.yaml"
    config.write_text("spool: {path: s.sqlite, key_file: s.key}\ncameras: {a: {source: a.mp4}}\n")
    return config


def open_spool(config: Path) -> SqliteSpool:
    """Return the spool as `winnow run` opens it."""
    settings = load_settings(config, EdgeSettings).spool
    return SqliteSpool(
        settings.path,
        node="shop-1",
        clock=ManualClock(),
        metrics=DeliveryMetrics(CollectorRegistry()),
        max_bytes=settings.max_bytes,
        free_floor_bytes=0,
        rows=spool_rows(settings, {}),
    )


def rotate(config: Path) -> None:
    """Type the command."""
    result = CliRunner().invoke(app, ["spool", "rotate-key", "-c", str(config)])
    assert result.exit_code == 0, result.stderr
    for key in read_keys(config.with_name("s.key")):
        assert key.id.hex() in result.stderr
        assert key.secret.hex() not in result.output


def test_keys_go_once_nothing_waits_for_them(config: Path) -> None:
    """While the edge runs none goes: it may still seal with any of them."""
    path = config.with_name("s.key")
    rotate(config)
    (first,) = read_keys(path)
    spool = open_spool(config)
    spool.append([crossing(1)])
    rotate(config)
    rotate(config)
    rotate(config)
    assert len(read_keys(path)) == 4
    spool.close()
    rotate(config)
    kept = read_keys(path)
    assert len(kept) == 3
    assert kept[-1] == first, "something waits for it"
    spool = open_spool(config)
    assert [one.sequence for one in spool.read([1])] == [1]
    spool.close()


def test_credential_is_read_from_the_service_managers_folder(tmp_path: Path, config: Path) -> None:
    """Without a service manager the message says what is missing."""
    rotate(config)
    (key,) = read_keys(tmp_path / "s.key")
    settings = SpoolSettings(key_credential="s.key")
    assert spool_rows(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).key_ids == {key.id}
    with pytest.raises(KeyFileError, match="CREDENTIALS_DIRECTORY is not set"):
        spool_rows(settings, {})


@pytest.mark.parametrize("name", ["../s.key", "/etc/passwd", ".hidden", ""])
def test_credential_is_a_name_and_no_path(name: str) -> None:
    """What lies elsewhere is not read."""
    with pytest.raises(ValueError, match="key_credential"):
        SpoolSettings(key_credential=name)


def test_two_sources_of_keys_are_refused(tmp_path: Path) -> None:
    """Nobody has to guess which one seals."""
    with pytest.raises(ValueError, match="exclude one another"):
        SpoolSettings(key_credential="k", key_file=tmp_path / "k")


@pytest.mark.parametrize("arguments", [[], ["-c", "edge.yaml", "--key-file", "k"]])
def test_one_of_settings_and_file_is_wanted(arguments: list[str]) -> None:
    """Exit code 2 and a sentence."""
    result = CliRunner().invoke(app, ["spool", "rotate-key", *arguments])
    assert result.exit_code == 2
    assert "give -c with the settings of the edge, or --key-file" in result.stderr
