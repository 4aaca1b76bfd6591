"""Run one of the project's commands: `python3 dev COMMAND ARGUMENTS…`."""

import importlib
import signal
import sys
from pathlib import Path

# Python put this directory first; the commands are modules of the package it is.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from dev.environment.shell import Failure, say  # noqa: E402


def main(name, *arguments):
    """Run the command; a failure it foresaw is told in a sentence."""
    # Being asked to stop must clean up as an interruption from the keyboard does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return importlib.import_module(f"dev.commands.{name}").main(list(arguments))
    except Failure as failure:
        say(f"bin/{name}: {failure}")
        return 1
    except OSError as error:
        # A full disk, a directory that may not be written, …
        place = f": {error.filename}" if error.filename else ""
        say(f"bin/{name}: {error.strerror or error}{place}.")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
