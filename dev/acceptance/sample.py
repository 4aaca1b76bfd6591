"""The sample of lead sales: read, typed, and turned into `record_transactions` rows.

Pure Python, without Odoo: used inside Odoo by `load` and outside by the checks.
"""

import csv
import lzma
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(__file__).resolve().parent / "data"
SALES = DATA / "lead_sales.csv.xz"
EXPECTED = DATA / "expected_monthly.csv"
TIME_ZONE = "America/New_York"


def _char(label):
    return {"name": _snake(label), "string": label, "type": "char"}


def _number(label, kind):
    return {"name": _snake(label), "string": label, "type": kind}


def _choice(label, *options):
    return {
        "name": _snake(label),
        "string": label,
        "type": "selection",
        "selection": [[_snake(option), option] for option in options],
    }


def _snake(label):
    return label.lower().replace("-", "_").replace(" ", "_")


CONTACT = [
    _char("First Name"),
    _char("Last Name"),
    _char("Email"),
    _char("Phone"),
    _char("State"),
    _char("Postal Code"),
    _choice(
        "Lead Source",
        "Comparison site",
        "E-mail",
        "Facebook",
        "Google",
        "Landing page",
        "Referral",
    ),
]

# Code of the lead type: its name and the definition of its lead data.
LEAD_TYPES = {
    "EDU": (
        "Online Degree",
        [
            *CONTACT,
            _char("Program"),
            _choice("Education Level", "High school", "Associate", "Bachelor"),
        ],
    ),
    "AUTO": (
        "Auto Insurance",
        [
            *CONTACT,
            _number("Vehicle Year", "integer"),
            _char("Vehicle Make"),
            _number("Currently Insured", "boolean"),
        ],
    ),
    "HOME": (
        "Home Loan",
        [
            *CONTACT,
            _number("Property Value", "integer"),
            _number("Loan Amount", "float"),
            _choice("Credit Rating", "Poor", "Fair", "Good", "Excellent"),
        ],
    ),
}

_CONVERT = {
    "char": str,
    "integer": int,
    "float": float,
    "boolean": lambda text: text == "true",
    "selection": _snake,
}


def read_rows():
    """Every row of the sample, in its order, as a dict of strings."""
    with lzma.open(SALES, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_expected():
    """The expected totals, one dict of strings per month."""
    with EXPECTED.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def get_lead_data(row):
    """The lead data of a row, by field name, each value with its type."""
    definition = LEAD_TYPES[row["lead_type"]][1]
    return {
        field["name"]: _CONVERT[field["type"]](row[field["string"]])
        for field in definition
        if row[field["string"]]
    }


def prepare_transaction(row):
    """The row as `lead.sale.record_transactions` wants it."""
    values = {
        "external_ref": row["transaction_id"],
        "type": row["type"],
        "occurred_at": row["occurred_at"],
        "buyer_ref": row["buyer_ref"],
        "lead_type": row["lead_type"],
        "lead_ref": row["lead_id"],
        "campaign": row["campaign"],
        "price": row["price"],
        "currency": row["currency"],
        "lead_data": get_lead_data(row),
    }
    if row["type"] == "return":
        values["origin_external_ref"] = row["origin_transaction_id"]
        values["reason"] = row["reason"]
    return values


def choose_rows(buyers=None, copies=1):
    """The sample, or the rows of about `buyers` of its buyers; in several copies."""
    rows = read_rows()
    if buyers:
        refs = list(get_buyers(rows))
        # Every n-th buyer: early and late ones, large and small.
        chosen = set(refs[:: max(len(refs) // buyers, 1)][:buyers])
        rows = [row for row in rows if row["buyer_ref"] in chosen]
    return [row for number in range(copies) for row in copy_rows(rows, number)]


def copy_rows(rows, number):
    """The rows again as those of other buyers: copy 0 is the sample itself."""
    if not number:
        return rows
    names = ("transaction_id", "origin_transaction_id", "buyer_ref", "lead_id")
    return [
        row | {name: row[name] and f"{row[name]}-{number}" for name in names}
        for row in rows
    ]


def get_buyers(rows):
    """Reference, name and mail address of every buyer in the rows, by reference."""
    buyers = {}
    for row in rows:
        buyers[row["buyer_ref"]] = (row["buyer_name"], row["buyer_email"])
    return dict(sorted(buyers.items()))


def get_expected(rows=None):
    """What correct billing adds up to per month: (month, buyers, leads, returns, net).

    For the whole sample from the file that came with it; for a part of it (`rows`)
    summed up here, from the rows alone.
    """
    if rows is None:
        return [tuple(month.values()) for month in read_expected()]
    months = defaultdict(list)
    for row in rows:
        months[get_local_date(row["occurred_at"]).strftime("%Y-%m")].append(row)
    return [_sum_month(month, months[month]) for month in sorted(months)]


def _sum_month(month, rows):
    sales = [Decimal(row["price"]) for row in rows if row["type"] == "sale"]
    returns = [Decimal(row["price"]) for row in rows if row["type"] == "return"]
    buyers = {row["buyer_ref"] for row in rows}
    numbers = (len(buyers), len(sales), len(returns), sum(sales) - sum(returns))
    return (month, *map(str, numbers))


def get_local_date(occurred_at):
    """Return the day in New York of a moment, as the sample writes it."""
    moment = datetime.fromisoformat(occurred_at.replace("Z", "+00:00"))
    return moment.astimezone(ZoneInfo(TIME_ZONE)).date()
