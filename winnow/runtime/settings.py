"""Settings files: YAML in, checked values out, errors that name file and key.

Errors:
    SettingsError
        SettingsFileError      the file cannot be read or is not plain YAML
        SettingsInvalidError   a key is unknown or its value is not allowed
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from winnow.runtime.credentials import without_logins

MAX_FILE_BYTES: Final = 64 * 1024
"""A larger settings file is a mistake or an attack."""

_FOLDER: Final = "folder"
_SHOWN: Final = 10
"""More problems than this mean that it is another kind of file."""
_MAX_BRACKETS: Final = 50
"""Open at a time: for every token the parser looks at each of them, so that a thousand take it a second."""

Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """The settings cannot be used; the message says what to change."""


class SettingsFileError(SettingsError):
    """The file cannot be read or is not plain YAML."""


class SettingsInvalidError(SettingsError):
    """A key is unknown or its value is not allowed.

    Attributes:
        problems: one line for each wrong key.

    Args:
        path: the file.
        problems: see there.
        lines: where each of them is in the file, counted from 1; 0 where that is not known.
    """

    def __init__(self, path: Path, problems: list[str], lines: Sequence[int] = ()) -> None:
        places = [f"{path}:{line}" if line else f"{path}" for line in (*lines, *([0] * (len(problems) - len(lines))))]
        shown = [f"{place}: {problem}" for place, problem in zip(places, problems, strict=True)][:_SHOWN]
        more = [f"{path}: … and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        super().__init__("\n".join((*shown, *more)))
        self.problems = problems


def beside_settings(path: Path, info: ValidationInfo) -> Path:
    """Return `path` as seen from the folder of the settings file that names it, unless it is absolute."""
    folder = (info.context or {}).get(_FOLDER)
    return path if folder is None else folder / path


SettingsPath = Annotated[Path, AfterValidator(beside_settings)]
"""A path in a settings file; relative ones start at the file's own folder."""


class Settings(BaseModel):
    """Base of every settings section: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _PlainLoader(yaml.SafeLoader):
    """`SafeLoader` without aliases (a small file can expand to gigabytes) and without repeated keys."""

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        if self.flow_level >= _MAX_BRACKETS:
            raise yaml.YAMLError(f"line {self.line + 1}: more than {_MAX_BRACKETS} brackets within brackets")
        super().fetch_flow_collection_start(token)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError(f"line {self.line + 1}: aliases (*name) are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is not plain text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_settings(path: Path, model: type[Model]) -> Model:
    """Return the settings of `path`, checked against `model`.

    Relative paths of type `SettingsPath` start at the file's own folder.

    Raises:
        SettingsFileError: missing, unreadable, over 64 KiB, or not plain YAML.
        SettingsInvalidError: an unknown key or a value that is not allowed.
    """
    text = _read_text(path)
    document = _parse(path, text)
    if not isinstance(document, dict):
        raise SettingsInvalidError(path, ["a settings file has lines of the form KEY: VALUE"])
    try:
        return model.model_validate(document, context={_FOLDER: path.parent})
    except ValidationError as exc:
        root = yaml.compose(text, _PlainLoader)
        found = [(_line_of(root, error["loc"]), _describe(error, model)) for error in exc.errors(include_url=False)]
        found.sort(key=lambda one: one[0])  # from top to bottom, as one mends them
        lines, problems = zip(*found, strict=True)
        raise SettingsInvalidError(path, list(problems), lines) from exc


def _line_of(root: yaml.Node | None, location: Iterable[str | int]) -> int:
    """Return the line of the key at `location`, or of the closest one around it where that key is missing."""
    node, line = root, 1
    for part in location:
        found: tuple[yaml.Node, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _read_text(path: Path) -> str:
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MAX_FILE_BYTES:
            raise SettingsFileError(f"{path}: {size_bytes} bytes; a settings file may have {MAX_FILE_BYTES}")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise SettingsFileError(f"{path}: not UTF-8 text") from exc
    except OSError as exc:
        raise SettingsFileError(f"{path}: {exc.strerror}; give the settings file with -c") from exc


def _parse(path: Path, text: str) -> object:
    try:
        document = yaml.load(text, _PlainLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise SettingsFileError(f"{path}: not plain YAML: {_one_line(exc)}") from exc
    return {} if document is None else document


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())


def _describe(error: ErrorDetails, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "(whole file)"
    if error["type"] == "extra_forbidden":
        likely, allowed = _allowed(error["loc"], model)
        return f"{key}: unknown key{likely}; allowed here: {allowed}"
    if error["type"] == "missing":
        return f"{key}: is missing"
    shown = without_logins(repr(error["input"]))
    given = f" (given: {shown[:80]}{'…' if len(shown) > 80 else ''})"  # noqa: PLR2004
    message = error["msg"].removeprefix("Value error, ")
    return f"{key}: {message}{given}"


def _allowed(location: Iterable[str | int], model: type[BaseModel]) -> tuple[str, str]:
    """Return a hint at the likeliest key, and all keys that the section of `location` knows."""
    *parents, wrong = location
    section: type[BaseModel] | None = model
    for part in parents:
        section = _section_at(section, part) if section else None
    if section is None:
        return "", "see `winnow check --schema`"
    names = sorted(field.alias or name for name, field in section.model_fields.items())
    likely = get_close_matches(str(wrong), names, n=1)
    return f" (did you mean {likely[0]}?)" if likely else "", ", ".join(names)


def _section_at(section: type[BaseModel], part: str | int) -> type[BaseModel] | None:
    """Return the settings class below `part`: a field's own, or the one inside its list, mapping or union."""
    if not isinstance(part, str) or part not in section.model_fields:
        return section  # a list index or a mapping key: the class was found one step above
    return _first_model(section.model_fields[part].annotation)


def _first_model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_first_model(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)
