"""The owner's side of a decoder's process: starts it, takes its pictures, watches it, ends it."""

import contextlib
import fcntl
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from winnow.pipeline.decoder.addresses import redact_url
from winnow.pipeline.decoder.answers import Release, Rest, Sample
from winnow.pipeline.decoder.control import ControlPage, Progress, create_page
from winnow.pipeline.decoder.errors import DecoderDiedError
from winnow.pipeline.decoder.order import DecoderOrder
from winnow.pipeline.decoder.picture import Picture
from winnow.pipeline.decoder.shared_pictures import SLOTS
from winnow.pipeline.sources.decoder_messages import (
    EndMessage,
    ForeignMessageError,
    LostMessage,
    MemoryMessage,
    Message,
    PictureMessage,
    lost_error,
    picture_of,
    read_message,
)
from winnow.pipeline.sources.hanging import Spinning, hang
from winnow.runtime.clock import Clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POLL_S: Final = 0.25
"""How often a silent process is looked at."""

_CPU_CLOCK: Final = 2
"""The clock of a whole process. Source: Linux, include/linux/posix-timers_types.h, CPUCLOCK_SCHED."""

_EXIT_WITHIN_S: Final = 2.0
_MAX_MESSAGE_BYTES: Final = 65_536


class DecoderProcess:
    """One process that decodes one connection or file.

    A process that crashes, hangs, wants too much memory or says what ours never says is ended and reported; nothing of
    this process is touched. Closing it kills it: it holds nothing that has to be saved.

    Args:
        order: what it decodes.
        clock: this machine's; both processes see the same monotonic time.
    """

    def __init__(self, order: DecoderOrder, *, clock: Clock) -> None:
        self._order = order
        self._clock = clock
        self._name = redact_url(order.address)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket, self._its_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        descriptor = create_page()
        self._page, self._its_page = ControlPage(descriptor), descriptor
        self._memory: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._memory_number = 0
        self._started_mono_s = 0.0
        self._spinning = Spinning()

    @property
    def pid(self) -> int:
        """The process's id."""
        if self._process is None:
            raise ValueError("not started")
        return self._process.pid

    def progress(self) -> Progress:
        """Return what the process does and what it counted so far."""
        return self._page.read()

    def pictures(self) -> Iterator[Picture]:
        """Return the pictures that were ordered, to the end of a recording or until the process tells what went wrong.

        Raises:
            SourceError: the stream could not be opened, was lost or has ended.
            DecoderDiedError: the process crashed, hung, or wanted too much memory.
        """
        try:
            while True:
                message, descriptors = self._receive()
                if isinstance(message, EndMessage):
                    return
                if isinstance(message, LostMessage):
                    raise lost_error(message, self._name)
                if isinstance(message, MemoryMessage):
                    self._map(message, descriptors)
                elif isinstance(message, PictureMessage):
                    picture = picture_of(message, self._memory)
                    self._socket.send(Release(self._memory_number, message.slot).encode())
                    yield picture
        except ForeignMessageError as exc:
            raise DecoderDiedError(self._name, f"the decoder went wrong: {exc}") from exc
        except (BrokenPipeError, ConnectionResetError):
            raise self._death() from None

    def sample(self, rate: float | None) -> None:
        """Want only so many pictures a second from now on."""
        with contextlib.suppress(OSError):  # a process that is gone is noticed by whoever takes its pictures
            self._socket.send(Sample(rate).encode())

    def rest(self, *, is_wanted: bool) -> None:
        """Want keyframes only from now on, or everything again."""
        with contextlib.suppress(OSError):  # as above
            self._socket.send(Rest(is_wanted).encode())

    def close(self) -> None:
        """End the process at once; closing twice is harmless."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        """Start the process."""
        self._started_mono_s = self._clock.monotonic_s()
        descriptors = (self._its_socket.fileno(), self._its_page)
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "winnow.pipeline.decoder.child", *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            process_group=0,  # a terminal's Ctrl-C goes to this process, which ends the other when it wants to
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._its_socket.close()
        os.close(self._its_page)
        self._socket.settimeout(_POLL_S)
        self._socket.send(self._order.encode())
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and give up what was shared with it."""
        self.close()
        self._socket.close()

    def _receive(self) -> tuple[Message, list[int]]:
        """Return the next message and the descriptors that came with it.

        Raises:
            DecoderDiedError: none will come.
        """
        while True:
            try:
                sent, descriptors, _, _ = socket.recv_fds(self._socket, _MAX_MESSAGE_BYTES, 1)
            except TimeoutError:
                self._demand_progress()
                continue
            if not sent:
                raise self._death()
            message = read_message(sent)
            if not isinstance(message, MemoryMessage):
                for descriptor in descriptors:
                    os.close(descriptor)
            return message, descriptors

    def _demand_progress(self) -> None:
        """Return if the process is still within the time of what it does.

        Raises:
            DecoderDiedError: it is not.
        """
        progress = self._page.read()
        now_s = self._clock.monotonic_s()
        self._spinning.look(progress.since_mono_s, self._cpu_s())
        problem = hang(
            progress, self._order.settings, now_s=now_s, started_s=self._started_mono_s, cpu_s=self._spinning.cpu_s
        )
        if problem:
            raise DecoderDiedError(self._name, f"the decoder hung ({problem}); it is started again")

    def _cpu_s(self) -> float:
        """Return the CPU time that the process has used; 0 once it is gone."""
        try:
            return time.clock_gettime(((~self.pid) << 3) | _CPU_CLOCK)
        except OSError:
            return 0.0

    def _death(self) -> DecoderDiedError:
        """Return the error for a process that is gone without a word."""
        if self._process is None:  # pragma: no cover - only a started process can die
            raise AssertionError("not started")
        try:
            code = self._process.wait(_EXIT_WITHIN_S)
        except subprocess.TimeoutExpired:
            return DecoderDiedError(self._name, "the decoder hung at its end; it is started again")
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return DecoderDiedError(self._name, f"the decoder crashed ({how}); it is started again")

    def _map(self, message: MemoryMessage, descriptors: list[int]) -> None:
        if len(descriptors) != 1:
            raise ForeignMessageError("no memory came with the message")
        (descriptor,) = descriptors
        try:
            size_bytes = SLOTS * message.slot_bytes
            is_fixed = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK
            if not is_fixed or os.fstat(descriptor).st_size < size_bytes:
                raise ForeignMessageError("the memory is too small")
            mapped = mmap.mmap(descriptor, size_bytes, prot=mmap.PROT_READ)
        except OSError as exc:
            raise ForeignMessageError("the memory cannot be mapped") from exc
        finally:
            os.close(descriptor)
        self._memory = np.frombuffer(mapped, np.uint8)
        self._memory_number = message.number
