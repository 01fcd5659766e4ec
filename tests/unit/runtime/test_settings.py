"""Settings files: what is refused, and how it is said."""

from pathlib import Path

import pytest
from pydantic import Field

from winnow.runtime.settings import MAX_FILE_BYTES, Settings, SettingsFileError, SettingsInvalidError, load_settings


class _Lamp(Settings):
    watts: int = Field(default=5, ge=1, le=100)


class _House(Settings):
    name: str
    lamps: dict[str, _Lamp] = Field(default_factory=dict)
    hall: _Lamp = _Lamp()


def _file(directory: Path, text: str) -> Path:
    path = directory / "house.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_settings_are_read_with_defaults(tmp_path: Path) -> None:
    """What the file leaves out has its default."""
    house = load_settings(_file(tmp_path, "name: home\nlamps: {desk: {watts: 7}}\n"), _House)
    assert house == _House(name="home", lamps={"desk": _Lamp(watts=7)})


def test_problems_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    """Whoever mends a file goes through it once."""
    path = _file(tmp_path, "lmaps: {}\nlamps:\n  desk: {watts: 700}\nname: [home]\n")
    with pytest.raises(SettingsInvalidError) as raised:
        load_settings(path, _House)
    assert [line.split(":")[1] for line in str(raised.value).splitlines()] == ["1", "3", "4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "name: home\nlmaps: {}\n",
            r":2: lmaps: unknown key \(did you mean lamps\?\); allowed here: hall, lamps, name",
        ),
        ("name: home\nhall: {wats: 1}\n", r":2: hall.wats: unknown key \(did you mean watts\?\); allowed here: watts"),
        (
            "name: home\nlamps: {desk: {wats: 1}}\n",
            r":2: lamps.desk.wats: unknown key \(did you mean watts\?\); allowed here: watts",
        ),
        ("name: home\nhall: {watts: 500}\n", r"hall.watts: .*less than or equal to 100.*given: 500"),
        ("name: home\nlamps:\n  desk:\n    watts: 7\n  floor:\n    watts: 700\n", r":6: lamps.floor.watts: "),
        ("# all of it\n{}", ":1: name: is missing"),
        ("- a list", ": .*KEY: VALUE"),
    ],
)
def test_wrong_value_is_refused_by_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    """The message names the file, the line, the key and what is allowed."""
    path = _file(tmp_path, text)
    with pytest.raises(SettingsInvalidError, match=said) as raised:
        load_settings(path, _House)
    assert str(raised.value).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("name: home\nname: again\n", "stands twice"),
        ("name: [unclosed\n", "not plain YAML"),
        ("name: !!python/object/apply:os.getcwd []\n", "not plain YAML"),
        ("x" * (MAX_FILE_BYTES + 1), "bytes"),
        ("[" * 20_000, "not plain YAML"),
    ],
    ids=["alias", "key twice", "syntax", "python object", "too large", "too deep"],
)
def test_yaml_that_could_hurt_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Only small, plain YAML is read."""
    with pytest.raises(SettingsFileError, match=said):
        load_settings(_file(tmp_path, text), _House)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """The message tells which file is missing and how to give one."""
    with pytest.raises(SettingsFileError, match=r"nowhere\.yaml: No such file.*-c"):
        load_settings(tmp_path / "nowhere.yaml", _House)


def test_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """Binary content is told apart from bad YAML."""
    path = tmp_path / "house.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsFileError, match="not UTF-8"):
        load_settings(path, _House)


def test_login_in_a_url_is_not_repeated(tmp_path: Path) -> None:
    """An error about a URL shows it without its password."""
    path = _file(tmp_path, "name: home\nhall: rtsp://user:secret@camera/1\n")
    with pytest.raises(SettingsInvalidError, match=r"rtsp://\*\*\*@camera/1") as raised:
        load_settings(path, _House)
    assert "secret" not in str(raised.value)


def test_brackets_within_brackets_are_refused_before_they_take_time(tmp_path: Path) -> None:
    """The parser looks at every open bracket for every token, until it has no stack left; no settings need so many."""
    path = _file(tmp_path, "name: home\nlamps: " + "[" * 60_000)
    with pytest.raises(SettingsFileError, match="more than 50 brackets within brackets"):
        load_settings(path, _House)
    nested = "{" + "a: {" * 20 + "}" * 21
    with pytest.raises(SettingsInvalidError, match="unknown key"):
        load_settings(_file(tmp_path, f"name: home\nx: {nested}\n"), _House)
