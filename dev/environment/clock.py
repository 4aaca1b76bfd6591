"""Another moment than now: PostgreSQL, Odoo and the tests under one faked clock.

The clock moves. It differs from the machine's by a fixed time, so that all programs
that get its variables agree, whenever they were started; what measures how long
something takes (the monotonic clock) is left alone.
"""

import contextlib
import os
import random
from collections import namedtuple
from datetime import datetime, timedelta, timezone
from pathlib import Path

from dev.environment.shell import Failure, is_running

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
# They are not what is tested, and would not bear it.
SPARED = ["chrome", "chromium", "google-chrome", "wkhtmltopdf", "wkhtmltopdf-pack"]

# From after the first leads that the tests sell, in January.
FIRST, LAST = datetime(2026, 2, 1), datetime(2036, 1, 1)
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]


class Moment(namedtuple("Moment", "utc zone")):
    """A moment (naive UTC) on a machine of a time zone."""

    @classmethod
    def parse(cls, text):
        """Read what `--at` takes: ISO 8601, UTC unless it has an offset.

        The zone is what TZ says, as it is for all programs.
        """
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise Failure(
                f"“{text}” is no moment; write it such as 2026-12-31T23:50."
            ) from None
        if moment.tzinfo:
            moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        return cls(moment, os.environ.get("TZ") or "UTC")

    @classmethod
    def draw(cls):
        """Return one of the years to come, at any hour, in any of some zones."""
        seconds = random.randrange(int((LAST - FIRST).total_seconds()))
        return cls(FIRST + timedelta(seconds=seconds), random.choice(ZONES))

    def __str__(self):
        zone = "" if self.zone == "UTC" else f"TZ={self.zone} "
        return f"{zone}bin/test --at {self.utc.isoformat()}"


# At which each check of a change asks, in a zone that is a day ahead: what is said of a
# change must not depend on chance.
CHECKED = Moment(datetime(2035, 5, 16, 19, 17, 48), "Pacific/Auckland")

# The turn of a year and of a month, both changes of clocks (in America and in Europe),
# a leap day; and a machine whose day is another one than in UTC.
FIXED = [
    Moment(datetime(2026, 12, 31, 23, 50), "UTC"),
    Moment(datetime(2027, 2, 28), "UTC"),
    Moment(datetime(2027, 3, 14, 6, 30), "UTC"),
    Moment(datetime(2027, 10, 31, 0, 30), "UTC"),
    Moment(datetime(2028, 2, 29), "UTC"),
    Moment(datetime(2026, 12, 31, 23, 50), "Pacific/Auckland"),
]


def find_library():
    """Return the library that fakes a clock, or None."""
    return next(Path("/").glob(LIBRARY.lstrip("/")), None)


def get_variables(moment):
    """Return the environment of programs for which it is this moment now."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return {
        "LD_PRELOAD": str(find_library()),
        "FAKETIME": f"{round((moment.utc - now).total_seconds()):+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_SKIP_CMDS": ",".join(SPARED),
        "TZ": moment.zone,
    }


@contextlib.contextmanager
def faked(env, moment):
    """Give an environment like `env` in which it is `moment`, with its own cluster."""
    try:
        with env.apart("clock", get_variables(moment)) as there:
            yield there
    finally:
        _remove_shared_memory()


def _remove_shared_memory():
    """Remove what programs with a faked clock leave when they are killed.

    It would be in the way of another user's program with the same number.
    """
    for file in Path("/dev/shm").glob("*faketime_s*"):
        if not is_running(file.name.split("_")[-1]):
            file.unlink(missing_ok=True)
