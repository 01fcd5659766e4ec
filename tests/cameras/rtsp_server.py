"""GStreamer's RTSP server as a child process that can be stopped and started again, as a camera's power can."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SCRIPT: Final = Path(__file__).with_name("serve_rtsp.py")
PAYLOADERS: Final = {"h264": "rtph264pay", "hevc": "rtph265pay", "mjpeg": "rtpjpegpay"}
_STOP_WITHIN_S: Final = 10


class RtspServer:
    """Serves recordings as cameras on the loopback interface while the block runs.

    Args:
        python: a Python with GStreamer's bindings.
        cameras: Matroska files by name of the camera, each with its codec as FFmpeg calls it.
        login: user and password that every camera asks for; none if not given.
        loss: share of the RTP packets that is lost.
    """

    def __init__(
        self,
        python: str,
        cameras: dict[str, tuple[str, Path]],
        *,
        login: tuple[str, str] | None = None,
        loss: float | None = None,
    ) -> None:
        self._python = python
        self._mounts = [f"/{name}={PAYLOADERS[codec]}={path}" for name, (codec, path) in cameras.items()]
        self._login = login
        self._loss = {} if loss is None else {"RTP_LOSS": str(loss)}
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    def url(self, camera: str, *, login: str = "") -> str:
        """Return the address of a camera; `login` is USER:PASSWORD@ or nothing."""
        return f"rtsp://{login}127.0.0.1:{self._port}/{camera}"

    def start(self) -> None:
        """Serve, on the same port as before if there was one."""
        user, password = self._login or ("", "")
        self._process = subprocess.Popen(
            [self._python, str(SCRIPT), str(self._port), *self._mounts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "RTSP_USER": user, "RTSP_PASSWORD": password, "PYTHONPATH": "", **self._loss},
            text=True,
        )
        assert self._process.stdout is not None
        self._port = int(self._process.stdout.readline())

    def stop(self) -> None:
        """End at once, as when the power fails."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=_STOP_WITHIN_S)
            self._process = None

    def __enter__(self) -> Self:
        """Serve."""
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.stop()
