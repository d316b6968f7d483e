"""How a command ends: with one line about a mistake and an exit code, or stopped by a signal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup

from napari_welllog.errors import Cancelled, WelllogError


class OneLineGroup(TyperGroup):
    """The commands, whose every refusal is one line on stderr."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its exit code."""

        def run() -> Any:
            return super(OneLineGroup, self).main(
                args, prog_name, complete_var, False, windows_expand_args, **extra
            )

        if not standalone_mode:
            return run()
        with SIGNALS.handled():
            code = self._exit_code(run)
        sys.exit(code)

    def _exit_code(self, run: Callable[[], Any]) -> int:
        """Run a command and give its exit code, having said what went wrong."""
        try:
            result = run()
            code = result if isinstance(result, int) else 0
        except WelllogError as error:
            return _refuse(str(error))
        except typer.TyperException as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context is not None else "welllog"
            message = error.format_message().replace("Value error, ", "").rstrip(".")
            return _refuse(f"{message}; see {command} --help")
        except MemoryError:
            return _refuse(
                "there is not enough memory for this; close other programs or cut the scan in parts"
            )
        except (Cancelled, KeyboardInterrupt) as stop:
            code = 128 + SIGNALS.last
            if str(stop):
                say(str(stop))
                return code
        if code == 128 + signal.SIGINT:
            say("stopped; no result was written")
        return code


def _refuse(message: str) -> int:
    """Say what is wrong on one line of stderr and give the exit code of bad input."""
    say(message)
    return 2


def say(message: str) -> None:
    """Write one line to stderr."""
    print(f"welllog: {' '.join(message.split())}", file=sys.stderr)


class _Signals:
    """Ctrl-C and requests to end: they stop the work at once, or are only noted while a job asks for that."""

    def __init__(self) -> None:
        self.last: int = signal.SIGINT
        self.noted = False
        self._only_note = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Turn the signals into exceptions, so that everything is tidied up on the way out."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [signal.SIGINT, signal.SIGTERM]
        # A terminal that was closed; nohup has it ignored, and so do we then.
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            numbers.append(signal.SIGHUP)
        earlier = {number: signal.signal(number, self._receive) for number in numbers}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; stop the work at once unless this is the first and the job only wants it noted."""
        self.last = number
        if self._only_note and not self.noted:
            self.noted = True
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)

    @contextmanager
    def only_noted(self) -> Iterator[Callable[[], bool]]:
        """Let the first signal only be noted; gives the question whether there was one."""
        self._only_note, self.noted = True, False
        try:
            yield lambda: self.noted
        finally:
            self._only_note = False


SIGNALS = _Signals()
