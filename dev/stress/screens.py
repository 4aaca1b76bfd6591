"""Measure each screen with a million leads, beside the same with ten thousand.

Two databases with ten thousand buyers and their documents, and two real servers: each
screen's call, as the web client of a clerk makes it, is sent to both in turn over HTTP.
"""

import http.client
import json
import statistics
import time

from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.environment.shell import Failure, say
from dev.stress import books

ROW = "{:<34} {:>10} {:>10} {:>7} {:>9}"
# What a person waits for without wondering, in seconds; and for a sum over all leads,
# which takes the longer the more there are.
LIMIT = 2.0
SUM_LIMIT = 10.0
SUMS = {
    "leads billed in the month",
    "leads by buyer",
    "leads by month, pivot",
    "month-end close",
}
# The day begins with it.
FIRST_SCREEN, FIRST_LIMIT = "overview, whole", 1.0


def add_arguments(parser):
    add = parser.add_argument
    add("--buyers", type=int, default=10_000, help="default 10000")
    add(
        "--sizes",
        default="10000,1000000",
        help="leads in the two databases (default 10000,1000000)",
    )
    add("--times", type=int, default=5, help="how often each is asked (default 5)")
    add("--keep", action="store_true", help="keep the databases")
    add("--again", action="store_true", help="ask those that were kept")
    add("--only", default="", help="only the screens whose names have this in them")


def run(options):
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    sizes = [int(size) for size in options.sizes.split(",")]
    instances = [Instance(environment, f"lead_invoicing_screens_{n}") for n in sizes]
    try:
        for instance, leads in zip(instances, sizes, strict=True):
            if not (options.again and instance.exists()):
                fill(instance, {"buyers": options.buyers, "leads": leads})
        slow = measure(instances, sizes, options.times, options.only)
    finally:
        for instance in instances:
            instance.stop()
            if not options.keep:
                instance.drop()
    if slow:
        raise Failure(f"too long to wait for: {', '.join(slow)}.")
    return 0


def fill(instance, options):
    started = time.monotonic()
    instance.install()
    instance.call("fill", options, module="dev.stress.books")
    say(f"{options['leads']:,} leads: filled in {time.monotonic() - started:.0f} s")


def measure(instances, sizes, times, only=""):
    """Print a line for each screen; return the titles of those that are slow.

    :param only: screens whose titles have this in them
    """
    clients = [Client(instance) for instance in instances]
    print(ROW.format("milliseconds", *(f"{size:,}" for size in sizes), "ratio", "KB"))
    slow = []
    for calls in zip(*(client.calls for client in clients), strict=True):
        title = calls[0][0]
        if only not in title:
            continue
        spent = [[] for _client in clients]
        # Once more than is counted: the first one compiles and caches.
        for _number in range(times + 1):
            for client, (_title, call), seconds in zip(
                clients, calls, spent, strict=True
            ):
                seconds.append(client.ask(call))
        seconds = [statistics.median(some[1:]) for some in spent]
        print_row(title, seconds, clients[-1].size)
        if seconds[-1] > get_limit(title):
            slow.append(title)
    return slow


def get_limit(title):
    """Return how many seconds a screen may take."""
    if title in SUMS:
        return SUM_LIMIT
    return FIRST_LIMIT if title == FIRST_SCREEN else LIMIT


def print_row(title, seconds, size):
    numbers = [f"{1000 * value:.0f}" for value in seconds]
    ratio = f"{seconds[-1] / seconds[0]:.1f}"
    print(ROW.format(title, *numbers, ratio, f"{size / 1000:.0f}"), flush=True)


class Client:
    """A clerk's session with one server."""

    def __init__(self, instance):
        path = instance.folder / "calls.json"
        options = {"path": str(path)}
        instance.call("write_calls", options, module="dev.stress.screen_calls")
        self.calls = json.loads(path.read_text())
        instance.start()
        self.connection = http.client.HTTPConnection("127.0.0.1", instance.port)
        self.cookie = ""
        self.size = 0
        self.post(
            "/web/session/authenticate",
            {"db": instance.database, "login": "clerk", "password": books.PASSWORD},
        )

    def ask(self, call):
        """Send a call; return how many seconds the answer took."""
        model, ids, method, values, context = call
        started = time.monotonic()
        self.post(
            f"/web/dataset/call_kw/{model}/{method}",
            {
                "model": model,
                "method": method,
                "args": [ids] if ids else [],
                "kwargs": {**values, "context": context},
            },
        )
        return time.monotonic() - started

    def post(self, path, params):
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params})
        headers = {"Content-Type": "application/json", "Cookie": self.cookie}
        self.connection.request("POST", path, body, headers)
        response = self.connection.getresponse()
        answer = response.read()
        self.size = len(answer)
        if cookie := response.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        if error := json.loads(answer).get("error"):
            raise Failure(f"{path}: {error['data']['message']}")
