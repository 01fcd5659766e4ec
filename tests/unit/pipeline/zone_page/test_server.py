"""Who may see the snapshot: whoever started the command, on this machine, and nobody else."""

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
import pytest

from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.zone_page import Snapshot, ZonePage, plan_of, zone_page

SNAPSHOT = b"\xff\xd8 not really a picture"


class Client:
    """Asks the page's server, as a browser would or would not."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        self.host, self.port, self.base = parts.hostname, parts.port, parts.path

    def ask(
        self, path: str, *, method: str = "GET", base: str | None = None, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of an answer."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, (self.base if base is None else base) + path, body, named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        """Send a plan."""
        status, _, content = self.ask(path, method="POST", body=body, **{"Content_Type": "application/json", **headers})
        return status, content


@pytest.fixture
def page() -> ZonePage:
    """Return the page of a camera without rules, which cannot save."""
    snapshot = Snapshot(content_type="image/jpeg", content=SNAPSHOT, width=640, height=480)
    return ZonePage(camera="door", settings=CameraSettings(source="x"), labels=("person",), snapshot=snapshot)


@pytest.fixture
def client(page: ZonePage) -> Iterator[Client]:
    """Return a client of the served page."""
    with zone_page(page) as address:
        yield Client(address)


def plan(page: ZonePage) -> bytes:
    """Return what the page sends when nothing was drawn."""
    return msgspec.json.encode(plan_of(page.settings))


def test_snapshot_is_given_to_who_knows_the_secret(client: Client) -> None:
    """And may not be kept by the browser, nor framed, nor read by another site."""
    status, headers, content = client.ask("snapshot")
    assert (status, content, headers["Content-Type"]) == (200, SNAPSHOT, "image/jpeg")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "snapshot", "begin", "page.js"])
@pytest.mark.parametrize("base", ["/", "/wrong/", "//", "/%00/"])
def test_nothing_is_given_without_the_secret(client: Client, base: str, path: str) -> None:
    """Not even whether there is a page."""
    status, _, content = client.ask(path, base=base)
    assert (status, content) == (404, b"Not Found")


def test_secret_is_new_each_time(page: ZonePage) -> None:
    """And long enough not to be guessed: 24 bytes."""
    secrets = set()
    for _ in range(3):
        with zone_page(page) as address:
            secrets.add(urlsplit(address).path)
    assert len(secrets) == 3
    assert all(len(secret) >= 32 for secret in secrets)


@pytest.mark.parametrize(
    ("host", "status"), [("evil.example:8099", 404), ("localhost:9", 200), ("127.0.0.1", 200), ("", 404)]
)
def test_names_of_others_are_refused(client: Client, host: str, status: int) -> None:
    """A foreign page that has its own name resolve to this machine gets nothing."""
    assert client.ask("begin", Host=host)[0] == status


@pytest.mark.parametrize("path", ["../plan.py", "..%2fplan.py", "static/page.js", "snapshot/", "etc/passwd"])
def test_only_the_pages_own_files_are_given(client: Client, path: str) -> None:
    """There is no way to any other file."""
    assert client.ask(path)[0] == 404


def test_server_listens_on_loopback_only(client: Client) -> None:
    """The machine's other addresses, where it has some, do not answer."""
    assert client.host == "127.0.0.1"
    others = {str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None)} - {
        "127.0.0.1",
        "127.0.1.1",
        "::1",
    }
    for other in others:
        with pytest.raises(OSError), socket.create_connection((other, client.port or 0), timeout=1):  # noqa: PT011
            pass


def test_plan_is_answered_with_yaml_or_problems(client: Client, page: ZonePage) -> None:
    """Both with status 200: the page shows either."""
    status, content = client.post("yaml", plan(page))
    assert (status, list(json.loads(content))) == (200, ["yaml"])
    wrong = msgspec.json.encode(msgspec.structs.replace(plan_of(page.settings), motion_masks=[[(0, 0)]]))
    assert json.loads(client.post("yaml", wrong)[1])["problems"][0].startswith("motion.masks.0: a polygon needs")
    assert not page.done.is_set()


def test_done_needs_a_right_plan(client: Client, page: ZonePage) -> None:
    """The command ends with YAML that the settings take, or not at all."""
    client.post("done", b"{}")
    assert not page.done.is_set()
    client.post("done", plan(page))
    assert page.done.wait(5)
    assert len(page.result) == 1


def test_foreign_page_cannot_post(client: Client, page: ZonePage) -> None:
    """Not from another origin, and not as a form could."""
    body = plan(page)
    own = f"http://{client.host}:{client.port}"
    assert client.post("yaml", body, Origin=own)[0] == 200
    assert client.post("done", body, Origin="https://evil.example")[0] == 403
    assert client.post("done", body, Content_Type="text/plain")[0] == 403
    assert client.post("done", b"x" * (64 * 1024 + 1))[0] == 413
    assert client.post("settings", body)[0] == 404
    assert not page.done.is_set()


def test_full_disk_is_said(page: ZonePage) -> None:
    """A file that cannot be written is a problem that the page shows."""

    def fail(_text: str) -> None:
        raise OSError(28, "No space left on device")

    with zone_page(saving(page, fail)) as address:
        answer = json.loads(Client(address).post("save", plan(page))[1])
    assert answer == {"problems": ["out.yaml: No space left on device"]}


def saving(page: ZonePage, save: object) -> ZonePage:
    """Return a page that saves so."""
    assert callable(save)
    return ZonePage(
        camera=page.camera,
        settings=page.settings,
        labels=page.labels,
        snapshot=page.snapshot,
        keep=save,
        saves_to="out.yaml",
    )
