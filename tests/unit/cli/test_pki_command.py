"""`winnow pki`: what it writes, with which rights, what it says, and what it never does."""

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from winnow.cli.root import app

RUNNER = CliRunner()


def pki(folder: Path, *words: str, code: int = 0) -> str:
    """Run one command on a folder; return its standard output and standard error."""
    done = RUNNER.invoke(app, ["pki", *words, "--dir", str(folder)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a new authority."""
    pki(tmp_path / "pki", "init")
    return tmp_path / "pki"


def certificate(folder: Path, name: str) -> x509.Certificate:
    """Return the certificate of a name."""
    return x509.load_pem_x509_certificate((folder / name / "certificate.pem").read_bytes())


def mode(path: Path) -> int:
    """Return the rights of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_and_folders_are_the_owners_alone(folder: Path) -> None:
    """Every key and the register are 0600, every folder is 0700; no file is left over under another name."""
    pki(folder, "node", "shop-1")
    pki(folder, "server", "mqtt.example.com")
    secret = (
        "ca-key.pem",
        "issued.json",
        "shop-1/key.pem",
        "mqtt.example.com/key.pem",
        "mqtt.example.com/keystore.pem",
    )
    assert [mode(folder / name) for name in secret] == [0o600] * len(secret)
    assert [mode(path) for path in (folder, folder / "shop-1", folder / "mqtt.example.com")] == [0o700] * 3
    public = {"ca.pem", "crl.pem", "certificate.pem"}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files if mode(path) != 0o600} == public
    assert len(files) == 4 + 3 + 4


def test_node_certificate_is_for_90_days_and_for_clients_only(folder: Path) -> None:
    """Its common name is the node, it cannot be a server, and cannot sign anything."""
    pki(folder, "node", "shop-1")
    made = certificate(folder, "shop-1")
    assert made.subject.rfc4514_string() == "OU=node,CN=shop-1"
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 90
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [use._name for use in uses] == ["clientAuth"]
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_certificate_never_outlives_the_authority(folder: Path) -> None:
    """A certificate made late ends with its authority."""
    pki(folder, "server", "localhost", "--days", "825")
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    assert certificate(folder, "localhost").not_valid_after_utc <= authority.not_valid_after_utc


def test_server_certificate_names_every_host(folder: Path) -> None:
    """Names and addresses stand where clients look for them."""
    pki(folder, "server", "mqtt.example.com", "--also", "192.0.2.7", "--also", "mqtt.example.com")
    names = certificate(folder, "mqtt.example.com").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["mqtt.example.com"]
    assert [str(one) for one in names.value.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]


def test_nothing_is_overwritten_unasked(folder: Path) -> None:
    """A second `init` or `node` changes no byte and says what to do; `--replace` says that it replaced."""
    pki(folder, "node", "shop-1")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "is not overwritten" in pki(folder, "init", code=2)
    assert "is not overwritten" in pki(folder, "node", "shop-1", code=2).replace("\n", " ")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert "replaced:" in pki(folder, "node", "shop-1", "--replace")
    assert (folder / "shop-1" / "key.pem").read_bytes() != before[folder / "shop-1" / "key.pem"]


@pytest.mark.parametrize(
    "words",
    [
        ("node", "gateway"),
        ("node", "operator-2"),
        ("node", "sink"),
        ("node", "Shop"),
        ("node", "a/b"),
        ("node", "../up"),
        ("node", "+"),
        ("gateway", "shop-1"),
        ("operator", "gateway"),
        ("server", "gateway"),
        ("server", "../up"),
        ("server", "a b"),
    ],
)
def test_name_that_would_give_other_rights_is_refused(folder: Path, words: tuple[str, str]) -> None:
    """No node can be called what the broker's rules call a service, and no name is a path or a wildcard."""
    before = sorted(folder.rglob("*"))
    assert "error:" in pki(folder, *words, code=2)
    assert sorted(folder.rglob("*")) == before


def test_one_name_is_one_holder(folder: Path) -> None:
    """A server and a node cannot share a name: the broker would take one for the other."""
    pki(folder, "server", "shop-1")
    assert "is a server already" in pki(folder, "node", "shop-1", "--replace", code=2)


def test_renewal_keeps_the_key_unless_a_new_one_is_wanted(folder: Path) -> None:
    """The certificate is a new one with the same subject; with --new-key the key changes too."""
    pki(folder, "node", "shop-1")
    first, key = certificate(folder, "shop-1"), (folder / "shop-1" / "key.pem").read_bytes()
    assert "replaced:" in pki(folder, "renew", "shop-1")
    second = certificate(folder, "shop-1")
    assert second.serial_number != first.serial_number
    assert (second.subject, second.public_key()) == (first.subject, first.public_key())
    assert (folder / "shop-1" / "key.pem").read_bytes() == key
    pki(folder, "renew", "shop-1", "--new-key")
    assert (folder / "shop-1" / "key.pem").read_bytes() != key


def test_renewal_of_all_that_end_soon_leaves_the_others(folder: Path) -> None:
    """With --within, whoever has longer, or was revoked, is not touched."""
    pki(folder, "node", "short", "--days", "10")
    pki(folder, "node", "long")
    pki(folder, "node", "gone", "--days", "10")
    pki(folder, "revoke", "gone")
    renewed = json.loads(pki(folder, "renew", "--within", "30", "--json"))
    assert [entry["name"] for entry in renewed] == ["short"]
    assert json.loads(pki(folder, "renew", "--within", "30", "--json")) == []


def test_revocation_covers_every_certificate_of_the_name(folder: Path) -> None:
    """The one before a renewal is as good as the new one, so both go; neither comes back with `renew`."""
    pki(folder, "node", "shop-1")
    pki(folder, "node", "shop-2")
    pki(folder, "renew", "shop-1")
    told = json.loads(pki(folder, "revoke", "shop-1", "--json"))
    crl = x509.load_pem_x509_crl((folder / "crl.pem").read_bytes())
    assert {f"{entry.serial_number:x}" for entry in crl} == set(told["revoked"])
    assert len(told["revoked"]) == 2
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    assert crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    assert "was revoked" in pki(folder, "renew", "shop-1", code=2)
    pki(folder, "node", "shop-1", "--replace")
    states = {entry["name"]: entry["state"] for entry in json.loads(pki(folder, "list", "--json"))}
    assert states == {"shop-1": "valid", "shop-2": "valid"}


def test_list_of_the_revoked_lasts_as_long_as_the_authority(folder: Path) -> None:
    """OpenSSL refuses everybody once the list is out of date: nobody is locked out because nobody renewed it."""
    crl = x509.load_pem_x509_crl((folder / "crl.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    assert crl.next_update_utc == authority.not_valid_after_utc


def test_missing_or_damaged_authority_ends_with_one_line(folder: Path, tmp_path: Path) -> None:
    """No folder, a broken key, a broken register: one sentence, exit code 2, and never the key."""
    assert "winnow pki init" in pki(tmp_path / "none", "node", "shop-1", code=2)
    (folder / "issued.json").write_text("[")
    assert "damaged" in pki(folder, "node", "shop-1", code=2)
    (folder / "ca-key.pem").write_text("secret")
    said = pki(folder, "node", "shop-1", code=2)
    assert "backup" in said
    assert "Traceback" not in said


def test_revoking_or_renewing_a_stranger_is_refused(folder: Path) -> None:
    """A misspelt name is no success."""
    assert "nothing was issued" in pki(folder, "revoke", "shop-9", code=2)
    assert "nothing was issued" in pki(folder, "renew", "shop-9", code=2)
    assert "--within" in pki(folder, "renew", code=2)
