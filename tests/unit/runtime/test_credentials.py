"""What looks like a login or a named secret never gets through the last filter before a log."""

import pytest

from winnow.runtime.credentials import without_logins


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://viewer:hush@192.0.2.1/stream",
        "postgresql://winnow@db/winnow?sslmode=require&password=hush",
        'rtsp://192.0.2.1/live?Token=hush"',
        "conninfo: host=db password=hush user=winnow",
        "http://192.0.2.1/user=a&pwd=hush/1",
    ],
)
def test_secret_is_replaced_wherever_it_stands(text: str) -> None:
    """Before the host, as a parameter, in a path, or in a connection string."""
    assert "hush" not in without_logins(text)
    assert "***" in without_logins(text)


def test_what_is_no_secret_stays() -> None:
    """Hosts, paths, keys of records and names of files can still be read."""
    text = "mqtts://broker.example.com:8883 key=shop-1/door password_file=/etc/winnow/gateway.password"
    assert without_logins(text) == text
