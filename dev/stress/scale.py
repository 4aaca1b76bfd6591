"""Bill a quarter of the sample, then all of it: memory stays flat, time is linear.

While the scheduled action bills, the server's resident memory and the time per document
are taken, on the clock and of the processor; the latter hardly depends on what else the
machine does. More documents may cost neither more memory nor more time each.
"""

import itertools
import time
from collections import namedtuple

from dev.acceptance import progress, sample
from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.environment.shell import Failure, say

ROW = "{:>6} {:>9} {:>9} {:>12} {:>16} {:>9}"
HEAD = ("size", "documents", "seconds", "ms/document", "CPU ms/document", "MB")

# Beyond these a run is called growing; repeated measurements differ by less.
TIME_LIMIT = 1.25
MEMORY_LIMIT = 1.25

Point = namedtuple("Point", "documents seconds cpu memory")
Point.__doc__ = "Documents made so far, seconds of clock and processor, megabytes."


def add_arguments(parser):
    parser.add_argument(
        "--sizes",
        default="0.25,1",
        help="parts or multiples of the sample, each billed in a database of its own"
        " (default 0.25,1; for example 1,4)",
    )
    parser.add_argument(
        "--step",
        type=int,
        default=500,
        help="documents between two measurements (default 500)",
    )


def run(options):
    sizes = sorted(float(size) for size in options.sizes.split(","))
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    results = {}
    for size in sizes:
        results[size] = measure(environment, size, options.step)
        print_points(size, results[size])
    judge(results[sizes[0]], results[sizes[-1]])
    return 0


def measure(environment, size, step):
    """Bill so much of the sample; return what was measured on the way."""
    name = environment.new_database_name("lead_invoicing_scale")
    instance = Instance(environment, name)
    points = []

    def note(figures):
        documents = figures["documents"]
        # The first batch compiles and caches; counting begins after it.
        due = documents >= points[-1].documents + step if points else documents
        if due or (points and progress.is_billed(figures)):
            cpu, memory = instance.cpu_seconds(), instance.resident_mb()
            points.append(Point(documents, time.monotonic(), cpu, memory))

    say(f"size {size:g}")
    try:
        instance.install()
        instance.call("load", get_load_options(size))
        instance.start(http=False)
        progress.wait(instance, progress.is_billed, "billing", each=note, pause=0.5)
    finally:
        instance.stop()
        instance.drop()
    instance.forget()
    return points


def get_load_options(size):
    if size < 1:
        return {"buyers": round(len(sample.get_buyers(sample.read_rows())) * size)}
    return {"copies": round(size)}


def print_points(size, points):
    """Print a line between each two measurements, and one for the whole."""
    print(ROW.format(*HEAD))
    for before, after in itertools.pairwise(points):
        print_row("", before, after)
    print_row(f"{size:g}", points[0], points[-1])


def print_row(title, before, after):
    new = after.documents - before.documents
    seconds, cpu = after.seconds - before.seconds, after.cpu - before.cpu
    each = [f"{1000 * value / new:.1f}" if new else "" for value in (seconds, cpu)]
    numbers = (title, after.documents, f"{seconds:.1f}", *each, f"{after.memory:.0f}")
    print(ROW.format(*numbers), flush=True)


def judge(small, large):
    """Compare the smallest and the largest size; fail when the latter costs more."""
    time_ratio = get_cpu_per_document(large) / get_cpu_per_document(small)
    peaks = [max(point.memory for point in points) for points in (small, large)]
    memory_ratio = peaks[1] / peaks[0]
    print(
        f"largest to smallest: CPU per document x {time_ratio:.2f},"
        f" peak memory x {memory_ratio:.2f} ({peaks[0]:.0f} and {peaks[1]:.0f} MB)",
        flush=True,
    )
    if time_ratio > TIME_LIMIT or memory_ratio > MEMORY_LIMIT:
        raise Failure(
            f"it grows with size: the limits are {TIME_LIMIT} for time per document and"
            f" {MEMORY_LIMIT} for memory."
        )


def get_cpu_per_document(points):
    first, last = points[0], points[-1]
    return (last.cpu - first.cpu) / (last.documents - first.documents)
