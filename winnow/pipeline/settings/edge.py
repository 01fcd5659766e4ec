"""The whole of `edge.yaml`: one box with its cameras."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from winnow.pipeline.settings.camera import CameraSettings
from winnow.pipeline.settings.link import LinkSettings
from winnow.pipeline.settings.shapes import Name
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.settings import Settings, SettingsPath, beside_settings


def _card_beside_settings(model: str, info: ValidationInfo) -> str:
    return str(beside_settings(Path(model), info)) if model.endswith((".yaml", ".onnx")) else model


class SpoolSettings(Settings):
    """Where accepted events wait for their receipts.

    Attributes:
        path: the SQLite file; its directory is created.
        max_bytes: at most this much waits; beyond it the least valuable goes first, each drop with a tombstone.
        key_file: keys that seal what waits (AES-256-GCM), mode 0600; `winnow spool rotate-key` makes it. Neither this
            nor `key_credential`: what waits can be read by everybody who can read the file.
        key_credential: the same as a credential of the service manager (systemd's LoadCredentialEncrypted), by name.
    """

    path: SettingsPath = Field(default=Path("winnow-spool.sqlite"), validate_default=True)
    max_bytes: Annotated[int, Field(ge=1024 * 1024)] = 512 * 1024 * 1024
    key_file: SettingsPath | None = None
    key_credential: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] | None = None

    @model_validator(mode="after")
    def _one_source_of_keys(self) -> Self:
        if self.key_file is not None and self.key_credential is not None:
            raise ValueError("key_file and key_credential exclude one another: give one")
        return self


class MetricsSettings(Settings):
    """Where Prometheus metrics and `/healthz` are served; port 0 picks a free one, None serves none."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] | None = 9464


class EdgeSettings(Settings):
    """The whole of `edge.yaml`.

    Attributes:
        node: name of this box.
        model: a packaged model's name, or the path of a model card (`.yaml`).
        inference_sessions: how many cameras' pictures the model looks at at once, each in one thread; one a core if
            null.
        stats_every_s: period of `node.stats`.
        cameras: by name.
    """

    node: Name = "edge"
    model: Annotated[str, AfterValidator(_card_beside_settings)] = "nanodet-g-416-int8"
    inference_sessions: Annotated[int, Field(ge=1, le=64)] | None = None
    stats_every_s: Annotated[float, Field(ge=1, le=3600)] = 60.0
    mqtt: MqttSettings = MqttSettings()
    spool: SpoolSettings = SpoolSettings()
    link: LinkSettings = LinkSettings()
    metrics: MetricsSettings = MetricsSettings()
    cameras: Annotated[dict[Name, CameraSettings], Field(min_length=1, max_length=64)]
