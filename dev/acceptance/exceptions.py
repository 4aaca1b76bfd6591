"""What waits for the clerk: recent leads, and buyers that need a person.

Runs in `odoo shell`, after the sample was billed and checked.
"""

from collections import namedtuple
from datetime import datetime, timedelta, timezone

from dev.acceptance import load, sample, scenario

Case = namedtuple("Case", "title values prices", defaults=({}, ("18.50", "24.00")))
Case.__doc__ = (
    """A buyer that needs a person, and the prices of two leads in the last window."""
)

CASES = {
    "fails": Case("account archived"),
    "hold": Case("on hold", {"lead_billing_hold": True}),
    "minimum": Case("below its minimum", {"lead_minimum_amount": 500}),
    "manual": Case("invoiced manually"),
    "no_cycle": Case("without a cycle"),
    "free": Case("a lead for nothing", prices=("18.50", "0.00")),
    "twice": Case("the same lead twice"),
    "no_address": Case("without an address", {"email": False}),
    "dry": Case("deposit used up", {"lead_billing_mode": "prepaid"}),
    "no_entry": Case("deposit not in the books", {"lead_billing_mode": "prepaid"}),
}


# A buyer in the portal, and the password.
LOGIN = "buyer"


def leave_work(env, options):
    """Record leads until now and have the last window invoiced again with them."""
    now = datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
    weekly, weekly_mailed = env["lead.billing.cycle"].search(
        [("frequency", "=", "weekly")], order="posting"
    )
    window = get_due_window(weekly, now)
    buyers = create_buyers(env, weekly, weekly_mailed)
    make_exceptions(env, buyers)
    rows = sample.choose_rows(options.get("buyers"))
    load.record(env, prepare_recent(rows, window.start, now))
    load.record(env, prepare_cases(rows, window.end, now))
    create_login(env, window.end)
    for cycle in weekly | weekly_mailed:
        cycle.next_generation_at = window.generation
    env.cr.commit()


def get_due_window(cycle, now):
    """The last window of a weekly cycle whose invoices should be there by now."""
    window = cycle._next_due_window(now - timedelta(days=8))
    following = cycle._next_due_window(window.generation + timedelta.resolution)
    return following if following.generation <= now else window


def create_buyers(env, weekly, weekly_mailed):
    """A buyer for each case; the name says which."""
    by_hand = env["lead.billing.cycle"].create(
        {"name": "Manual", "frequency": "manual", "tz": sample.TIME_ZONE}
    )
    cycles = {"manual": by_hand, "no_cycle": by_hand.browse()}
    cycles["no_address"] = weekly_mailed
    records = env["res.partner"].create(
        [
            {
                "name": f"Buyer 9000{number} ({case.title})",
                "ref": get_ref(key),
                "email": f"billing+9000{number}@example.com",
                "is_company": True,
                "lead_billing_cycle_id": cycles.get(key, weekly).id,
                **case.values,
            }
            for number, (key, case) in enumerate(CASES.items())
        ]
    )
    return dict(zip(CASES, records, strict=True))


def get_ref(key):
    return f"{scenario.NOW}{key}"


def make_exceptions(env, buyers):
    """What is not a setting of the buyer: accounts, deposits, what is looked at."""
    account = buyers["fails"].property_account_receivable_id
    buyers["fails"].property_account_receivable_id = account.copy(
        {"name": "Old receivable", "active": False}
    )
    env.company.write({"lead_review_zero_price": True, "lead_review_same_lead": True})
    today = datetime.now().date()
    deposit, lost = env["account.payment"].create(
        [load.prepare_deposit(buyers[key], today, 30) for key in ("dry", "no_entry")]
    )
    # A method without an outstanding account: no journal entry comes of it.
    lost.payment_method_line_id = lost.payment_method_line_id.copy(
        {"name": "Wire", "journal_id": lost.journal_id.id}
    )
    (deposit + lost).action_post()


def create_login(env, moment):
    """Let a buyer into the portal who has leads since a moment (naive UTC), returns,
    and many invoices."""
    env.cr.execute(
        """
        SELECT commercial_partner_id
          FROM lead_sale
      GROUP BY commercial_partner_id
      ORDER BY bool_or(date >= %s) DESC, bool_or(transaction_type = 'return') DESC,
               count(*) DESC, commercial_partner_id
         LIMIT 1
        """,
        [moment],
    )
    env["res.users"].with_context(no_reset_password=True).create(
        {
            "login": LOGIN,
            "password": LOGIN,
            "partner_id": env.cr.fetchone()[0],
            "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
        }
    )


def prepare_recent(rows, start, end):
    """Rows like the sample's last ones, moved by whole days to end by now.

    :param start, end: naive UTC
    """
    last = max(row["occurred_at"] for row in rows)
    days = (end - read_moment(last)) // timedelta(days=1)
    recent = {}
    for row in rows:
        moment = read_moment(row["occurred_at"]) + timedelta(days=days)
        # A return of an older sale was recorded with it.
        origin = row["origin_transaction_id"]
        if moment >= start and (not origin or origin in recent):
            recent[row["transaction_id"]] = as_new(row, moment)
    return list(recent.values())


def prepare_cases(rows, end, now):
    """What the buyers of the cases bought two days before a window's end, and one lead
    since.

    :param end, now: naive UTC
    """
    like = next(row for row in rows if row["type"] == "sale")
    before, since = end - timedelta(days=2), end + (now - end) / 2
    return [
        as_new(like, moment)
        | {
            "transaction_id": f"{get_ref(key)}-{number}",
            "buyer_ref": get_ref(key),
            "lead_id": f"{get_ref(key)}-{number if key != 'twice' else moment}",
            "price": price,
        }
        for key, case in CASES.items()
        for number, (moment, price) in enumerate(
            [(before, price) for price in case.prices] + [(since, "21.00")]
        )
    ]


def as_new(row, moment):
    """The row as another transaction, of another lead, at a moment (naive UTC)."""
    names = ("transaction_id", "origin_transaction_id", "lead_id")
    new = {name: row[name] and f"{scenario.NOW}{row[name]}" for name in names}
    return row | new | {"occurred_at": f"{moment.isoformat()}Z"}


def read_moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)
