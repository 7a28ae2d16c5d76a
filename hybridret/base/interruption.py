"""What a stop signal does at each moment of a command, from the first import to the last line.

A command passes through four phases, each with a handler of its own:

- arriving: modules and configs are read, and there is nothing to save yet. The process prints one line and ends at
  once. An exception would not work: a destructor swallows it, and an import turns it into another error.
- working: the handler sets a flag and raises StopRequested. If this is swallowed, `Stop.check` still sees the flag; if
  it becomes another error, the flag shows the cause.
- saving (`hybridret.base.graceful_stop.graceful_stop`): the handler only sets the flag, which is checked where the
  state can be saved.
- leaving: the work is done and its exit code is final.

This module imports very little, because no signal is handled before it is imported.
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

CONSOLE = "hybridret "  # the console command begins sys.argv[0] with this
PARENT = "HYBRIDRET_PARENT"  # the environment variable in which a sweep passes its process id to its points
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
    """`STOPPING` and SIGHUP, which comes when the terminal is closed; not SIGHUP under nohup, which ignores it."""
    return STOPPING if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (*STOPPING, signal.SIGHUP)


class Stop:
    """The flag. Calling it returns whether to stop: pass it as `should_stop`."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.raised = False  # whether a handler raised StopRequested, which may have become another error
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
        """From now on a signal only sets the flag. For the main thread.

        Call it again when training starts: a Trainer installs its own handler for SIGTERM, which exits after the batch,
        whether the state is saved or not.
        """
        self._install(self._remember)

    def arrive(self) -> None:
        """From now on a signal ends the process at once."""
        self._install(self._vanish)

    def work(self) -> None:
        """From now on a signal raises StopRequested; raises it at once if a signal came already."""
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
        if first or signal_number == signal.SIGINT:  # later ones must not disturb the cleanup
            self.raised = True
            raise StopRequested(self.signal_number)

    def _vanish(self, signal_number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # forked during an import: only the parent prints
            signal.signal(signal_number, signal.SIG_DFL)
            os.kill(os.getpid(), signal_number)
            return
        os.write(2, f"{_words()}\n".encode(errors="replace"))  # not print: the signal may have interrupted a print
        _vanish(exit_code(signal_number))


_entry: Stop | None = None


def current() -> Stop | None:
    """The flag of the command that this process is; None in a process that merely imports the package."""
    return _entry


def work_begins() -> None:
    """From here on a signal raises StopRequested, so that `with` and `finally` clean up. Raises it where one came."""
    if _entry is not None:
        _entry.work()


def interruptible(main: Callable[[], int]) -> int:
    """Run the `main` of a command as the whole of this process, and return its exit code: 75 or 130 after a signal.

    Warnings of libraries are not shown, unless -W or PYTHONWARNINGS asks for them.
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
    if stop.raised and code not in (DONE, REQUEUE, INTERRUPTED):  # a stop that some part reported as a failure
        code = report_stopped(exit_code(stop.signal_number or signal.SIGTERM))
    if stop.raised:  # a half-imported module may be left, whose destructors are untested
        _vanish(code)
    return code


def stopped_by(error: BaseException) -> int | None:
    """The exit code where `error` is a stop or was caused by one; None for any other error."""
    if isinstance(error, StopRequested):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if _entry is not None and _entry.raised and _entry.signal_number is not None:
        return exit_code(_entry.signal_number)
    return None


def report_stopped(code: int) -> int:
    """Print how to go on after a stop with nothing to save; returns `code`."""
    print(_words(), file=sys.stderr)
    return code


def refuse(error: UserError | KeyboardInterrupt) -> int:
    """Print what the user can fix and return the exit code of bad input; after a stop, the exit code of the stop."""
    if (code := stopped_by(error)) is not None:
        return report_stopped(code)
    print(f"Error: {printable(' '.join(str(error).split()))}", file=sys.stderr)
    return BAD_INPUT


def command_line(arguments: Sequence[str]) -> str:
    """The command that the user typed, to type again: `python -m hybridret.run -m seed=1,2`.

    A script that starts this command for the user puts the command that the user typed into HYBRIDRET_COMMAND.
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
    """Ignore signals from now on: the shutdown of torch takes seconds, in which a second signal would replace the exit
    code. Python restores its own handlers before the end, but leaves ignored signals ignored."""
    for number in stopping():
        signal.signal(number, signal.SIG_IGN)


def _end_with_parent() -> None:
    """Let the kernel send SIGTERM to this process when the sweep that started it dies. The process then saves its state
    and ends instead of running on unnoticed. Works on Linux only."""
    parent = os.environ.pop(PARENT, None)  # valid for this process, not for its children
    if parent is None:
        return
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != int(parent):  # the sweep died before that
        os.kill(os.getpid(), signal.SIGTERM)


def _vanish(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (RuntimeError, ValueError, OSError, AttributeError):  # interrupted in a write; closed
            continue
    os._exit(code)
