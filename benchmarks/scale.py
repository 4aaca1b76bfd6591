"""Bill a quarter of the sample, then all of it: memory stays flat, time is linear.

The server's resident memory and the time per document are taken while the scheduled
action bills; more documents may cost neither more memory nor more time each.
"""

import time

from demo import watch
from demo.instance import Instance
from tools.provision import Environment
from tools.shell import Failure, say

ROW = "{:>9} {:>9} {:>9} {:>12} {:>9}"
# Beyond these, a run is called growing; measurements on a busy machine vary by less.
TIME_LIMIT = 1.5
MEMORY_LIMIT = 1.25


def add_arguments(parser):
    parser.add_argument(
        "--sizes",
        default="0.25,1",
        help="parts or multiples of the sample, each billed in a database of its own"
        " (default 0.25,1; for example 1,4)",
    )
    parser.add_argument(
        "--step", type=int, default=500, help="documents between two measurements"
    )


def run(options):
    sizes = [float(size) for size in options.sizes.split(",")]
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    results = [(size, measure(environment, size, options.step)) for size in sizes]
    print()
    print(ROW.format("size", "documents", "seconds", "ms/document", "peak MB"))
    for size, points in results:
        documents, seconds, _memory = points[-1]
        peak = max(memory for _documents, _seconds, memory in points)
        each = f"{1000 * seconds / documents:.1f}"
        print(ROW.format(size, documents, f"{seconds:.1f}", each, f"{peak:.0f}"))
    judge(results)
    return 0


def measure(environment, size, step):
    """Bill a part of the sample; return (documents, seconds, megabytes) on the way."""
    name = environment.new_database_name("lead_invoicing_scale")
    instance = Instance(environment, name)
    points = []

    def note(progress):
        documents = progress["documents"]
        if not points and documents:
            start = time.monotonic()
            points.append((documents, start, instance.resident_mb()))
        if points and (documents >= points[-1][0] + step or watch.is_billed(progress)):
            points.append((documents, time.monotonic(), instance.resident_mb()))

    say(f"size {size}")
    try:
        instance.install()
        instance.call("load", get_load_options(size))
        instance.start(http=False)
        watch.wait(instance, watch.is_billed, "billing", each=note, pause=0.5)
    finally:
        instance.stop()
        instance.drop()
    return print_points(points)


def get_load_options(size):
    if size < 1:
        return {"buyers": round(2349 * size)}
    return {"copies": round(size)}


def print_points(points):
    """Print a line per measurement; the first one is where counting starts."""
    first, start, _memory = points[0]
    relative = [(docs - first, at - start, memory) for docs, at, memory in points[1:]]
    print(ROW.format("", "documents", "seconds", "ms/document", "MB"))
    last_documents = last_seconds = 0
    for documents, seconds, memory in relative:
        new = documents - last_documents
        each = f"{1000 * (seconds - last_seconds) / new:.1f}" if new else ""
        print(ROW.format("", documents, f"{seconds:.1f}", each, f"{memory:.0f}"))
        last_documents, last_seconds = documents, seconds
    return relative


def judge(results):
    """Compare the smallest and the largest size; fail when the latter costs more."""
    (_, small), (_, large) = min(results), max(results)
    time_ratio = (large[-1][1] / large[-1][0]) / (small[-1][1] / small[-1][0])
    memory_ratio = max(p[2] for p in large) / max(p[2] for p in small)
    print(f"largest to smallest: time per document x {time_ratio:.2f}", end="")
    print(f", peak memory x {memory_ratio:.2f}", flush=True)
    if time_ratio > TIME_LIMIT or memory_ratio > MEMORY_LIMIT:
        raise Failure(
            f"it grows with size: the limits are {TIME_LIMIT} for time per document and"
            f" {MEMORY_LIMIT} for memory."
        )
