"""Files on their way to a reader: made whole first, then sent with their length.

What a slow or dead reader holds is a file and, of its own slots, one: no connection to
the database, and nothing of other readers. Files and slots are in one directory of the
database's filestore, from where a proxy can send them (Odoo's option ``x_sendfile``).
"""

import contextlib
import fcntl
import io
import os
import time
import uuid

# So many downloads a reader may have at a time.
SLOTS = 2
# Nobody makes a file for so long (seconds), and a proxy has opened it by then.
MAX_AGE = 3600
_BUFFER = 64 * 1024


class FileTooLargeError(Exception):
    """A file would be larger than it may be."""


class _LimitedFile(io.FileIO):
    def __init__(self, path, limit):
        super().__init__(path, "x+")
        self.limit = limit

    def write(self, data):
        """Write bytes, as far as the file may grow."""
        if self.tell() + len(data) > self.limit:
            raise FileTooLargeError
        return super().write(data)


def take_slot(directory, reader):
    """Take one of a reader's slots.

    :param directory: where files and slots are; it is made where there is none
    :param int reader: id of the user
    :return: an open file, which holds the slot until it is closed, or until the process
        ends, in whatever way; None where all are taken
    """
    os.makedirs(directory, exist_ok=True)
    for number in range(SLOTS):
        slot = open(os.path.join(directory, f"slot-{reader}-{number}"), "ab")  # noqa: SIM115
        # The lock is on the open file: it counts for threads as for processes.
        if _lock(slot):
            os.utime(slot.fileno())
            return slot
        slot.close()
    return None


@contextlib.contextmanager
def make_file(directory, limit):
    """Give a new file to write to, and to seek in. A file that was not made whole is
    removed; another one is its reader's to remove.

    :param int limit: bytes that it may have
    :raises FileTooLargeError: when more are written
    """
    path = os.path.join(directory, uuid.uuid4().hex)
    try:
        # Whoever reads the filestore, such as a proxy, may read it.
        with io.BufferedRandom(_LimitedFile(path, limit), _BUFFER) as file:
            yield file
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        raise


def sweep(directory):
    """Remove what a process left behind that was killed, and what a proxy has sent."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(directory):
            # Another worker may sweep, too.
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime < time.time() - MAX_AGE:
                    _remove_unless_held(entry.path)


def _remove_unless_held(path):
    with open(path, "rb") as file:
        if _lock(file):
            os.unlink(path)


def _lock(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
