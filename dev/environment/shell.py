"""What every command needs: saying things, running programs, taking turns."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class Failure(Exception):
    """Something that went wrong, told in a sentence that says what to do."""


def say(text="", end="\n"):
    """Tell the user; on standard error, so that a command's output stays its own."""
    print(text, end=end, file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title):
    """Say what is done now and, after it, how long it took."""
    say(f"{title} …", end=" ")
    start = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - start:.1f} s")


def run(command, failing, log=None, advice="", **options):
    """Run a program quietly and return what it printed.

    :param failing: the beginning of the sentence when it fails, for example
        "PostgreSQL could not be started"
    :param log: a file that gets all that the program printed
    :param advice: what to do about a failure, a sentence
    """
    options = {"stdin": subprocess.DEVNULL, **options}
    try:
        result = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            **options,
        )
    except FileNotFoundError:
        raise Failure(f"{failing}: the program {command[0]} is missing.") from None
    if log:
        with log.open("a") as file:
            file.write(f"$ {' '.join(map(str, command))}\n{result.stdout}\n")
    if result.returncode:
        reason = _reason(result.stdout) or f"{command[0]} ended with an error"
        where = f"Everything it printed is in {log}." if log else ""
        sentences = [f"{failing}: {reason.rstrip('.')}.", advice, where]
        raise Failure(" ".join(filter(None, sentences)))
    return result.stdout


def follow(command, **options):
    """Run a program in the user's sight and return its exit status.

    When interrupted it may first end by itself, with the browsers it started.
    """
    with subprocess.Popen([str(part) for part in command], **options) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            with contextlib.suppress(subprocess.TimeoutExpired):
                # A keyboard interrupts both, another program only us.
                process.wait(1)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
            raise


def _reason(output):
    """Pick the line that tells most: the last error, else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marks = ("E: ", "ERROR: ", "npm error ", "npm ERR! ", "FATAL: ", "error: ")
    errors = [line for line in lines if any(mark in line for mark in marks)]
    return next(reversed(errors or lines), "")


@contextlib.contextmanager
def turn(path, waiting):
    """Hold the lock file `path`; others wait, and are told with `waiting`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write(path, text, mode=0o644):
    """Write a file at once, so that nobody ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(f"{path}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)


def is_running(pid):
    """Tell whether there is a process of this number."""
    return Path("/proc", str(pid)).exists()


def as_root(command):
    """Return the command as root runs it, by sudo if need be; None if nobody may."""
    if os.geteuid() == 0:
        return command
    with contextlib.suppress(FileNotFoundError):
        if not subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
            return ["sudo", "-n", *command]
    return None
