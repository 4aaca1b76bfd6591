"""Measure the buyer's pages: the Invoicing Report's files beside psql, its page and the
buyer's home in a large table.

Files: a buyer with a million rows downloads CSV, XLSX and PDF over HTTP; beside them
psql writes the same rows with `\\copy`, and wkhtmltopdf prints the same rows as a plain
table. Page: a buyer with a hundred thousand rows looks at the first and the last page,
and at its home, in a small and in a large table, request by request in turns. What
counts is the best of several times, as the machine may do other things too.

The defaults write eleven million rows. That takes some seven minutes on two cores, and
for a while ten gigabytes of disk; what it wrote is dropped after it.
"""

import csv
import html
import io
import re
import subprocess
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from dev.environment.provision import Environment
from dev.environment.shell import Failure
from dev.stress import ledger
from dev.stress.browser import Browser

URL = "/my/invoicing-report"
HOME = "/my/leads"
PARTS = ("files", "page")
ROWS_PER_PAGE = 50
# What the report must keep to.
LIMITS = {
    "CSV: times \\copy": 2,
    "CSV: MB of memory": 64,
    "XLSX: MB of memory": 64,
    "PDF: times a plain table": 5,
    "first page: times the small table": 1.5,
    "last page: times the small table": 1.5,
    "home: times the small table": 1.5,
    "home: seconds": 2,
}

# The columns of the report, as somebody who knows the tables would write them: local
# dates, the data of a return from its sale. And as bare as they are stored.
COPY = """
    \\copy (SELECT {date}, sale.external_ref, sale.transaction_type, sale.lead_ref,
    sale.campaign, {fields}, sale.amount, move.name, move.state, origin.external_ref,
    sale.reason FROM lead_sale sale
    LEFT JOIN account_move_line line ON line.id = sale.invoice_line_id
    LEFT JOIN account_move move ON move.id = line.move_id
    LEFT JOIN lead_sale origin ON origin.id = sale.origin_id
    {where} ORDER BY sale.date, sale.id) TO '/dev/null' CSV
"""
WHERE = """
    WHERE sale.commercial_partner_id = {buyer} AND sale.date >= '{first}'
    AND sale.date < '{end}'
"""
SAME = (
    "sale.date AT TIME ZONE 'UTC' AT TIME ZONE 'UTC'",
    "coalesce(sale.lead_data, origin.lead_data)->>'{name}'",
)
BARE = ("sale.date", "sale.lead_data->>'{name}'")


def add_arguments(parser):
    add = parser.add_argument
    add("--parts", default=",".join(PARTS), help="default files,page")
    for name, default, what in (
        ("rows", 1_000_000, "rows of the files' buyer, all of them in the CSV"),
        ("xlsx-rows", 200_000, "about so many of them in the XLSX"),
        ("pdf-rows", 2_000, "about so many of them in the PDF"),
        ("page-rows", 100_000, "rows of the page's buyer"),
        ("small", 10_000, "rows of all others in the small table"),
        ("large", 10_000_000, "rows of all others in the large table"),
        ("times", 3, "how often each is tried; ten times as often each page"),
    ):
        add(f"--{name}", type=int, default=default, help=f"{what} (default {default})")
    add("--keep", action="store_true", help="keep the databases")


def run(options):
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        raise Failure(f"there is no part {', '.join(unknown)}; take files or page.")
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    results = {}
    if "files" in parts:
        results |= measure_files(environment, options)
    if "page" in parts:
        results |= measure_pages(environment, options)
    return judge(results)


def judge(results):
    """Print each number that has a limit; fail when one is beyond it."""
    print()
    for name, value in results.items():
        print(f"{name:<38} {value:>7.2f}   at most {LIMITS[name]}", flush=True)
    beyond = [name for name, value in results.items() if value > LIMITS[name]]
    if beyond:
        raise Failure(f"beyond the limit: {', '.join(beyond)}.")
    return 0


# Files


def measure_files(environment, options):
    with ledger.world(environment, "files", options.keep) as instance:
        ledger.fill(instance, options.rows, 0)
        instance.start()
        browser = Browser(instance, ledger.LOGIN, ledger.PASSWORD)
        # The first request loads what every later one has.
        get(browser, "csv", days(options.rows, 1))
        get(browser, "xlsx", days(options.rows, 1))
        return {
            **measure_csv(instance, browser, options),
            **measure_xlsx(instance, browser, options),
            **measure_pdf(instance, browser, options),
        }


def days(all_rows, rows):
    """Return the days that have at least so many rows of all, which fill a year, as the
    report asks for them."""
    number = max(-(-rows * ledger.DAYS // all_rows), 1)
    first = ledger.FIRST_DAY
    return {"date_from": first, "date_to": first + timedelta(days=number - 1)}


def get(browser, file_type, period):
    return browser.get(f"{URL}/{file_type}", fields=",".join(ledger.FIELDS), **period)


def copy(instance, period, how=SAME):
    """Return how many rows psql wrote, and in how many seconds."""
    where = WHERE.format(
        buyer=ledger.get_watched_id(instance),
        first=period["date_from"],
        end=period["date_to"] + timedelta(days=1),
    )
    date, field = how
    fields = ", ".join(field.format(name=name) for name in ledger.FIELDS)
    ((rows,),) = instance.rows(f"SELECT count(*) FROM lead_sale sale {where}")
    query = COPY.format(date=date, fields=fields, where=where)
    command = " ".join(query.split())
    started = time.monotonic()
    instance.execute(command)
    return int(rows), time.monotonic() - started


def say_files(name, rows, seconds, copied, **more):
    text = ", ".join(f"{key} {value}" for key, value in more.items())
    print(
        f"{name}: {rows:,} rows in {seconds:.2f} s, {rows / seconds:,.0f} rows/s;"
        f" \\copy {copied:.2f} s{', ' if text else ''}{text}",
        flush=True,
    )


def measure_csv(instance, browser, options):
    # A day more than there are rows for: the last one is not full.
    period = days(options.rows, options.rows)
    period["date_to"] += timedelta(days=1)
    downloads, copies = [], []
    for _time in range(options.times):
        rows, seconds = copy(instance, period)
        copies.append(seconds)
        _rows, bare = copy(instance, period, BARE)
        downloads.append(get(browser, "csv", period))
        say_files(
            "CSV",
            rows,
            downloads[-1].total,
            seconds,
            as_stored=f"{bare:.2f} s",
            first_byte=f"{downloads[-1].first:.2f} s",
            memory=f"+{downloads[-1].growth:.1f} MB",
        )
        # The closing line counts the rows.
        last = downloads[-1].tail.decode().strip().splitlines()[-1]
        if last != f"Rows,{rows}":
            raise Failure(f"the CSV ends with {last!r}, psql wrote {rows} rows.")
    best = min(download.total for download in downloads)
    return {
        "CSV: times \\copy": best / min(copies),
        "CSV: MB of memory": max(d.growth for d in downloads),
    }


def measure_xlsx(instance, browser, options):
    period = days(options.rows, options.xlsx_rows)
    rows, copied = copy(instance, period)
    download = get(browser, "xlsx", period)
    say_files(
        "XLSX",
        rows,
        download.total,
        copied,
        times_copy=f"{download.total / copied:.0f}",
        memory=f"+{download.growth:.1f} MB",
    )
    return {"XLSX: MB of memory": download.growth}


def measure_pdf(instance, browser, options):
    period = days(options.rows, options.pdf_rows)
    rows, copied = copy(instance, period)
    content = browser.read(f"{URL}/csv", fields=",".join(ledger.FIELDS), **period)
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[: rows + 1]
    downloads, plain = [], []
    # The first one makes what all have.
    get(browser, "pdf", period)
    for _time in range(options.times):
        plain.append(print_plain_table(instance.environment, lines))
        downloads.append(get(browser, "pdf", period).total)
    say_files(
        "PDF",
        rows,
        min(downloads),
        copied,
        times_copy=f"{min(downloads) / copied:.0f}",
        plain_table=f"{min(plain):.2f} s",
    )
    return {"PDF: times a plain table": min(downloads) / min(plain)}


def print_plain_table(environment, lines):
    """Return how many seconds wkhtmltopdf takes for the lines as a plain table."""
    rows = (
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in line)}</tr>"
        for line in lines
    )
    page = f"<meta charset='utf-8'><table>{''.join(rows)}</table>"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "table.html")
        source.write_text(page)
        started = time.monotonic()
        subprocess.run(
            ["wkhtmltopdf", "--quiet", source, Path(folder, "table.pdf")],
            check=True,
            env=environment.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        return time.monotonic() - started


# Page


def measure_pages(environment, options):
    """Compare the first and the last page, and the buyer's home, in a small and in a
    large table."""
    with (
        ledger.world(environment, "small", options.keep) as small,
        ledger.world(environment, "large", options.keep) as large,
    ):
        seconds = {}
        for instance, others in ((small, options.small), (large, options.large)):
            ledger.fill(instance, options.page_rows, others)
            instance.start()
        browsers = [
            Browser(instance, ledger.LOGIN, ledger.PASSWORD)
            for instance in (small, large)
        ]
        last = -(-options.page_rows // ROWS_PER_PAGE)
        for _time in range(10 * options.times):
            for browser in browsers:
                for page in (1, last):
                    taken = get_page(browser, page, options.page_rows)
                    seconds.setdefault((browser, page), []).append(taken)
                taken = get_home(browser)
                seconds.setdefault((browser, HOME), []).append(taken)
        results = {}
        for name, page in (("first page", 1), ("last page", last), ("home", HOME)):
            in_small, in_large = (min(seconds[browser, page]) for browser in browsers)
            print(
                f"{name} of {options.page_rows:,} rows: {1000 * in_small:.0f} ms"
                f" beside {options.small:,}, {1000 * in_large:.0f} ms beside"
                f" {options.large:,} rows of others",
                flush=True,
            )
            results[f"{name}: times the small table"] = in_large / in_small
        results["home: seconds"] = in_large
        return results


def get_home(browser):
    """Return how many seconds the buyer's home takes."""
    started = time.monotonic()
    content = browser.read(HOME)
    seconds = time.monotonic() - started
    if b"lead_home_owed" not in content:
        raise Failure("the buyer's home does not say what is owed.")
    return seconds


def get_page(browser, page, rows):
    """Return how many seconds a page of the portal takes; it must know of all rows."""
    started = time.monotonic()
    content = browser.read(
        f"{URL}/page/{page}",
        fields=",".join(ledger.FIELDS),
        date_from=ledger.FIRST_DAY,
        date_to=ledger.FIRST_DAY + timedelta(days=ledger.DAYS),
    )
    seconds = time.monotonic() - started
    # "1 to 50 of 100,000", with the commas or without.
    if not re.search(rf"\d of {rows}\b", content.decode().replace(",", "")):
        raise Failure(f"page {page} does not say that it is of {rows:,} rows.")
    return seconds
