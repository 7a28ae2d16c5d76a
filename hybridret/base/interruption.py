"""From the first import to the last line: what a stop signal does, whichever moment it comes at.

A command passes through four phases, each with a handler of its own:

- arriving: modules and configs are read and nothing is there to save; the process says one line and is gone. An
  exception would not do: in a destructor it is swallowed, in an import it becomes another error.
- working: the handler sets a flag and raises StopRequested; should that be swallowed, `Stop.check` sees the flag, and
  should it come out as another error, the flag says what it was.
- saving (`hybridret.base.graceful_stop.graceful_stop`): the flag alone, looked at where the state can be saved.
- leaving: the work is done and its exit code stands.

Imports next to nothing, because nothing is handled before it is imported.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

from hybridret.base.errors import BAD_INPUT, DONE, INTERRUPTED, REQUEUE, UserError
from hybridret.base.library_warnings import own_warnings_only
from hybridret.base.markup import printable

#: Ctrl-C; the end of a machine's lease; SLURM's warning before a time limit (`--signal=B:USR1@120`).
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)

CONSOLE = "hybridret "  # how the console command begins the first word of a command line
PARENT = "HYBRIDRET_PARENT"  # the environment variable by which a sweep tells its points its process id
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class StopRequested(BaseException):
    """Work stopped at a safe point because of a signal.

    Not an `Exception`, so that no handler of errors swallows it, and not a `KeyboardInterrupt`, which a Trainer would
    turn into exit code 1.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 75 ("please requeue") after a signal of the machine or the scheduler."""
        return exit_code(self.signal_number)


def exit_code(signal_number: int) -> int:
    """The exit code of a process that saved its state and left because of this signal."""
    return INTERRUPTED if signal_number == signal.SIGINT else REQUEUE


def stopping() -> tuple[signal.Signals, ...]:
    """`STOPPING`, and the end of the terminal; under nohup a closed terminal stops nothing."""
    return STOPPING if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (*STOPPING, signal.SIGHUP)


class Stop:
    """The flag. Calling it tells whether to stop: hand it over as `should_stop`."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.raised = False  # whether a handler raised StopRequested: it may have come out as another error
        self._process = os.getpid()

    @property
    def requested(self) -> bool:
        return self.signal_number is not None

    def __call__(self) -> bool:
        return self.requested

    def check(self) -> None:
        """A safe point: raises StopRequested if a signal came."""
        if self.signal_number is not None:
            raise StopRequested(self.signal_number)

    def install(self) -> None:
        """Handle the signals with the flag alone, in the main thread.

        Call it again when training starts: a Trainer puts a handler of its own on SIGTERM that raises an exit after
        the batch, state saved or not.
        """
        self._install(self._remember)

    def arrive(self) -> None:
        """Leave at once at a signal."""
        self._install(self._vanish)

    def work(self) -> None:
        """Raise StopRequested at a signal, and now if one came already."""
        self._install(self._interrupt)
        self.check()

    def _install(self, handler: Callable[[int, FrameType | None], None]) -> None:
        for number in stopping():
            signal.signal(number, handler)

    def _remember(self, signal_number: int, frame: FrameType | None) -> None:
        if self.requested and signal_number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = self.signal_number or signal_number

    def _interrupt(self, signal_number: int, frame: FrameType | None) -> None:
        first, self.signal_number = not self.requested, self.signal_number or signal_number
        if first or signal_number == signal.SIGINT:  # no other comes in the way of clearing up
            self.raised = True
            raise StopRequested(self.signal_number)

    def _vanish(self, signal_number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # forked by a module that is imported: not the one that speaks
            signal.signal(signal_number, signal.SIG_DFL)
            os.kill(os.getpid(), signal_number)
            return
        os.write(2, f"{_words()}\n".encode(errors="replace"))  # not print: it may be what was interrupted
        _vanish(exit_code(signal_number))


_entry: Stop | None = None


def current() -> Stop | None:
    """The flag of the command that this process is; None in a process that merely imports the package."""
    return _entry


def work_begins() -> None:
    """From here on a signal raises StopRequested, so that `with` and `finally` clear up. Raises it where one came."""
    if _entry is not None:
        _entry.work()


def interruptible(main: Callable[[], int]) -> int:
    """Run the `main` of a command as the whole of this process, and return its exit code: 75 or 130 after a signal.

    Warnings of libraries are not shown, unless Python was told to show them.
    """
    global _entry
    _entry = stop = Stop()
    stop.arrive()
    _end_with_parent()
    own_warnings_only()
    unraisable = sys.unraisablehook
    sys.unraisablehook = lambda raised: None if isinstance(raised.exc_value, StopRequested) else unraisable(raised)
    try:
        code = main()
    except BaseException as error:
        _leave()
        if isinstance(error, SystemExit) or (stopped := stopped_by(error)) is None:
            raise
        code = report_stopped(stopped)
    _leave()
    if stop.raised and code not in (DONE, REQUEUE, INTERRUPTED):  # a stop that was taken for the failure of a part
        code = report_stopped(exit_code(stop.signal_number or signal.SIGTERM))
    if stop.raised:  # what was interrupted may be half a module, whose destructors nobody has tried
        _vanish(code)
    return code


def stopped_by(error: BaseException) -> int | None:
    """The exit code where `error` is a stop, or what became of one on its way; None for any other error."""
    if isinstance(error, StopRequested):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if _entry is not None and _entry.raised and _entry.signal_number is not None:
        return exit_code(_entry.signal_number)
    return None


def report_stopped(code: int) -> int:
    """Say how to go on after a stop with nothing to save; returns `code`."""
    print(_words(), file=sys.stderr)
    return code


def refuse(error: UserError | KeyboardInterrupt) -> int:
    """Say what the user can mend and return the exit code of bad input, or that of a stop where it was one."""
    if (code := stopped_by(error)) is not None:
        return report_stopped(code)
    print(f"Error: {printable(' '.join(str(error).split()))}", file=sys.stderr)
    return BAD_INPUT


def command_line(arguments: Sequence[str]) -> str:
    """The command that was typed, to be typed again: `python -m hybridret.run -m seed=1,2`.

    A script that starts this command for somebody names the one that they typed in HYBRIDRET_COMMAND.
    """
    if typed := os.environ.get("HYBRIDRET_COMMAND"):
        return typed
    if arguments[0].startswith(CONSOLE):
        return shlex.join([*arguments[0].split(), *arguments[1:]])
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    program = ["python", "-m", spec.name] if spec is not None and spec.name else ["python", arguments[0]]
    return shlex.join([*program, *arguments[1:]])


def _words() -> str:
    return f"Stopped before there was anything to save. To go on: {command_line(sys.argv)}"


def _leave() -> None:
    """Taking torch apart lasts seconds, in which a second signal would replace the exit code by its own; Python gives
    its own handlers back before the end, but leaves ignored signals ignored."""
    for number in stopping():
        signal.signal(number, signal.SIG_IGN)


def _end_with_parent() -> None:
    """Let the kernel send SIGTERM when the sweep that started this process dies, so that it saves its state and leaves
    instead of running on where nobody looks. Only Linux can."""
    parent = os.environ.pop(PARENT, None)  # it speaks of this process, not of those started here
    if parent is None:
        return
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != int(parent):  # it died before that
        os.kill(os.getpid(), signal.SIGTERM)


def _vanish(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (RuntimeError, ValueError, OSError, AttributeError):  # interrupted in a write; closed
            continue
    os._exit(code)
