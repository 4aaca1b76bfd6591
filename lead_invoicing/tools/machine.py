"""Which errors are a machine's momentary trouble: nothing is wrong with the work."""

import errno
import subprocess

from psycopg2 import errors

from odoo.exceptions import UserError


class PrinterError(UserError):
    """The machine could not print just now: the program that prints crashed, or memory,
    disk or processes ran out. Nothing is known to be wrong with the document."""


# Of what a machine runs out.
_RUN_OUT = {
    errno.EAGAIN,
    errno.EDQUOT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ENOSPC,
}
_MOMENTARY = (
    PrinterError,
    MemoryError,
    subprocess.TimeoutExpired,
    errors.DiskFull,
    errors.OutOfMemory,
    errors.QueryCanceled,
)


def is_momentary(error):
    """Tell whether the same work may well succeed a while later.

    :param error: an exception
    """
    if isinstance(error, OSError):
        return error.errno in _RUN_OUT
    return isinstance(error, _MOMENTARY)
