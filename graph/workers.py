"""Several processes behind one port: begun together, begun again when one dies, and ended together.

The parent takes the port and answers nothing itself. It forks before anything of the gateway exists, so that each worker builds its own.
"""

import contextlib
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from graph.errors import MotcuaError, SettingsWrong

Work = Callable[[int, Callable[[], None]], int]

SIGNALS = (signal.SIGINT, signal.SIGTERM)
READY = b"ready\n"
STEADY_SECONDS = 10.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0


@dataclass
class _Seat:
    """One place among the workers, and who sits there now: no process id while nobody does."""

    number: int
    pid: int = 0
    said: bytes = b""
    began: float = 0.0
    deaths: int = 0
    due: float | None = None


class Workers:
    """`count` workers, numbered from 1, that answer at `listener`; each does `work(its number, what to call when it is ready)`.

    Where one ends before all are ready, the others are ended too. Later one that dies is begun again: at once or, when it died soon after
    its start, after a pause that doubles. `warn` is told of it.
    """

    def __init__(self, count: int, work: Work, listener: socket.socket, warn: Callable[[str], None]) -> None:
        """Prepare; nothing is begun yet."""
        self._work = work
        self._listener = listener
        self._warn = warn
        self._seats = [_Seat(number) for number in range(1, count + 1)]
        self._selector = selectors.DefaultSelector()
        self._wake, self._waken = os.pipe()
        self._parent_gone, self._parent_here = os.pipe()  # the parent alone holds its end: a worker reads the end of it when that is gone
        self._stopping_at: float | None = None
        self._all_ready = False
        self._problem: str | None = None

    def run(self, *, ready: Callable[[], None], limit: float) -> int:
        """Run them until SIGTERM or SIGINT, and call `ready` once, when all are; 0 where that came about.

        SettingsWrong says why one could not start. Who has not ended `limit` seconds after the signal is killed.
        """
        self._selector.register(self._wake, selectors.EVENT_READ)
        with self._stopped_by_signals():
            for seat in self._seats:
                self._begin(seat)
            while self._stopping_at is None or any(seat.pid for seat in self._seats):
                self._listen(limit, ready)
                self._keep_time(limit)
        if self._problem is not None:
            raise SettingsWrong(self._problem)
        return 0 if self._all_ready else 1

    def _begin(self, seat: _Seat) -> None:
        """Fork a worker. No signal comes between the fork and knowing of it: the parent would forget one, the child would act as parent."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            if self._stopping_at is not None:
                return
            heard, told = os.pipe()
            seat.said, seat.due, seat.began = b"", None, time.monotonic()
            if (pid := os.fork()) == 0:
                os.close(heard)
                self._be_worker(seat.number, told)
            seat.pid = pid
            os.close(told)
            self._selector.register(heard, selectors.EVENT_READ, seat)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _be_worker(self, number: int, told: int) -> NoReturn:
        code = 1
        try:
            self._leave_parent()
            code = self._work(number, lambda: _tell(told, READY))
        except MotcuaError as error:
            _tell(told, error.message.encode())
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - this process ends here; nothing of the parent's may run in it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _leave_parent(self) -> None:
        """Let go of all that is the parent's, and end when it is gone, however it went."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        for descriptor in [*(key.fd for key in self._selector.get_map().values()), self._waken, self._parent_here]:
            os.close(descriptor)
        self._selector.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

        def end_with_parent() -> None:
            os.read(self._parent_gone, 1)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=end_with_parent, daemon=True).start()

    def _listen(self, limit: float, ready: Callable[[], None]) -> None:
        """Wait for what workers say, for one to end, for a signal, or until something is due."""
        due = [seat.due for seat in self._seats if seat.due is not None]
        if self._stopping_at is not None:
            due.append(self._stopping_at + limit)
        for key, _ in self._selector.select(max(0.0, min(due) - time.monotonic()) if due else None):
            said = os.read(key.fd, 65_536)
            if isinstance(seat := key.data, _Seat):
                seat.said += said
                if not said:
                    self._ended(seat, key.fd)
        if not self._all_ready and all(seat.said.startswith(READY) for seat in self._seats):
            self._all_ready = True
            ready()

    def _ended(self, seat: _Seat, heard: int) -> None:
        """Learn how a worker ended, and decide what follows."""
        self._selector.unregister(heard)
        os.close(heard)
        pid, seat.pid = seat.pid, 0
        how = _words(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        if self._stopping_at is not None:
            return
        words = seat.said.removeprefix(READY).decode(errors="replace")
        if not self._all_ready:
            self._problem = words or f"worker {seat.number} {how} before it was ready"
            self._stop()
            return
        seat.deaths, pause = pause_after(time.monotonic() - seat.began, seat.deaths)
        seat.due = time.monotonic() + pause
        self._warn(
            f"Worker {seat.number} {how}{': ' + words if words else ''}; it is begun again {f'in {pause:g} s' if pause else 'at once'}"
        )

    def _keep_time(self, limit: float) -> None:
        now = time.monotonic()
        for seat in self._seats:
            if seat.due is not None and seat.due <= now:
                self._begin(seat)
        if self._stopping_at is not None and now >= self._stopping_at + limit:
            self._signal(signal.SIGKILL)

    def _stop(self) -> None:
        """Ask all to end: always by SIGTERM, because a second SIGINT, after the terminal's own, would cut requests short."""
        if self._stopping_at is None:
            self._stopping_at = time.monotonic()
            self._listener.close()
            for seat in self._seats:
                seat.due = None
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        for seat in self._seats:
            if seat.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(seat.pid, number)

    @contextlib.contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: object) -> None:
            self._stop()
            _tell(self._waken, b".")

        former = {number: signal.signal(number, stop) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handled in former.items():
                signal.signal(number, handled)


def pause_after(lived_seconds: float, deaths: int) -> tuple[int, float]:
    """Count the deaths in quick succession, this one included, and say how many seconds to wait before the next start."""
    if lived_seconds >= STEADY_SECONDS:
        return 0, 0.0
    return deaths + 1, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(deaths, 16))


def _tell(descriptor: int, words: bytes) -> None:
    with contextlib.suppress(OSError):  # who should hear it may be gone
        os.write(descriptor, words)


def _words(code: int) -> str:
    return f"was ended by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"stopped with exit code {code}"
