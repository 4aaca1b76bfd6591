"""Books of any size: ten thousand buyers, their leads, the documents that bill them.

Runs in `odoo shell`. The engine makes one document; SQL copies it, so that documents
and lines are as real ones are, and writes the leads. Of each buyer's leads one in ten
is unbilled, the rest is on a document a month.
"""

from datetime import datetime, timedelta

from dev.acceptance import load
from dev.acceptance.load import say

BATCH = 500
MONTHS = 9
PRICE = 10
REVIEWED = 200
PASSWORD = "clerk"

# Which lead of which buyer is of which month, 0 to 8; 9: unbilled. One in twenty is the
# return of that buyer's lead ten turns before, of the same month.
LEADS = """
    CREATE TEMP TABLE lead AS
    SELECT n, buyer.id AS buyer_id, n / {buyers} AS turn,
           (n / {buyers} + n % {buyers}) % 10 AS month,
           n / {buyers} % 100 >= 95 AS is_return
      FROM generate_series(0, {leads} - 1) AS n
      JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number
              FROM res_partner WHERE ref LIKE 'BOOKS%') AS buyer
        ON buyer.number = n % {buyers}
"""
DOCUMENTS = """
    CREATE TEMP TABLE document AS
    SELECT row_number() OVER (ORDER BY month, buyer_id) AS n, buyer_id, month,
           run.id AS run_id, run.window_start, run.window_end,
           count(*) AS leads, sum(CASE WHEN is_return THEN -1 ELSE 1 END) AS net
      FROM lead
      JOIN (SELECT *, row_number() OVER (ORDER BY window_end) - 1 AS number
              FROM lead_invoice_run WHERE cycle_id IS NOT NULL) AS run
        ON run.number = lead.month
  GROUP BY buyer_id, month, run.id, run.window_start, run.window_end
"""
ITEMS = """
    INSERT INTO lead_invoice_run_buyer
           (run_id, partner_id, company_id, window_end, state, create_date, write_date)
    SELECT run_id, buyer_id, {company}, window_end, 'done', now(), now() FROM document
"""
SALES = """
    INSERT INTO lead_sale
           (id, external_ref, transaction_type, origin_id, return_number, partner_id,
            commercial_partner_id, lead_type_id, lead_ref, campaign, lead_data,
            company_id, currency_id, price, amount, date, reason, waived,
            price_adjustment, invoice_line_id, create_date, create_uid)
    SELECT {first} + lead.n, 'BOOKS' || lead.n,
           CASE WHEN is_return THEN 'return' ELSE 'sale' END,
           CASE WHEN is_return THEN {first} + lead.n - 10 * {buyers} END,
           CASE WHEN is_return THEN 1 END, buyer_id, buyer_id, {lead_type},
           'L' || lead.n, 'Campaign ' || lead.n % 7,
           jsonb_build_object('email', 'lead' || lead.n || '@example.com'),
           {company}, {currency}, {price},
           CASE WHEN is_return THEN -{price} ELSE {price} END, moment,
           CASE WHEN is_return THEN 'Duplicate lead' END, FALSE, FALSE, line.id,
           moment, 1
      FROM lead
 LEFT JOIN document USING (buyer_id, month)
 LEFT JOIN account_move AS move ON move.sequence_prefix = 'BOOKS/'
       AND move.sequence_number = document.n
 LEFT JOIN account_move_line AS line ON line.move_id = move.id
       AND line.lead_type_id IS NOT NULL,
   LATERAL (SELECT buyer_id * 7 + turn % 10 * 3 AS day) AS hash,
   LATERAL (SELECT CASE WHEN month = 9
                        THEN now() AT TIME ZONE 'UTC'
                             - (day % 40 + 1) * interval '1 day'
                        ELSE window_start + (day % 26) * interval '1 day'
                   END + turn * interval '1 second') AS at (moment)
  ORDER BY moment
"""
# Drafts that wait for a person.
REVIEW = """
    UPDATE account_move
       SET state = 'draft', lead_posted_at = NULL,
           lead_review_reason = 'Beyond this buyer''s usual volume.'
     WHERE sequence_prefix = 'BOOKS/' AND sequence_number IN (
           SELECT n FROM document ORDER BY n DESC LIMIT {reviewed})
"""
REVIEW_LINES = """
    UPDATE account_move_line AS line SET parent_state = 'draft'
      FROM account_move AS move
     WHERE move.id = line.move_id AND move.lead_review_reason IS NOT NULL
"""


def fill(env, options):
    """Make the company, `buyers` buyers, `leads` leads and their documents."""
    load.silence(env)
    load.setup_company(env)
    load.setup_lead_types(env)
    create_clerk(env)
    cycles = create_cycles(env)
    buyers = create_buyers(env, cycles, options["buyers"])
    runs = create_runs(env, cycles[0])
    template = make_template(env, buyers[0])
    say(f"writing {options['leads']:,} leads")
    write_leads(env, template, options, runs)
    env.cr.commit()
    # By the planner's statistics it finds the index that a question needs.
    env.cr.execute("ANALYZE")
    env.cr.commit()


def create_clerk(env):
    """A user who bills, and may do nothing else."""
    env["res.users"].with_context(no_reset_password=True).create(
        {
            "name": "Clerk",
            "login": "clerk",
            "password": PASSWORD,
            "group_ids": [
                (4, env.ref(name).id)
                for name in (
                    "lead_invoicing.group_user",
                    "lead_invoicing.group_lead_data",
                )
            ],
        }
    )


def create_cycles(env):
    common = {"tz": "America/New_York", "posting": "post"}
    return env["lead.billing.cycle"].create(
        [
            common | {"name": "Monthly", "frequency": "monthly"},
            common | {"name": "Weekly", "frequency": "weekly"},
        ]
    )


def create_buyers(env, cycles, count):
    buyers = env["res.partner"].with_context(tracking_disable=True)
    for start in range(0, count, BATCH):
        buyers += buyers.create(
            [
                {
                    "name": f"Buyer {number:05}",
                    "ref": f"BOOKS{number:05}",
                    "email": f"buyer{number}@example.com",
                    "is_company": True,
                    "lead_billing_cycle_id": cycles[number % 2].id,
                }
                for number in range(start, min(start + BATCH, count))
            ]
        )
        env.cr.commit()
        say(f"created {len(buyers)} buyers")
    return buyers


def create_runs(env, cycle):
    """A run for each of the last months."""
    start, end = cycle._get_window(datetime.now())
    vals_list = []
    for _month in range(MONTHS):
        vals_list.append(
            {
                "cycle_id": cycle.id,
                "company_id": env.company.id,
                "window_start": start,
                "window_end": end,
                "tz": cycle.tz,
                "state": "done",
            }
        )
        start, end = cycle._get_window(start + timedelta(days=1))
    return env["lead.invoice.run"].create(vals_list)


def make_template(env, buyer):
    """Let the engine make one document, of one lead."""
    row = {
        "external_ref": "TEMPLATE",
        "type": "sale",
        "occurred_at": f"{datetime.now() - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}",
        "buyer_ref": buyer.ref,
        "lead_type": env["lead.type"].search([], limit=1).code,
        "price": PRICE,
    }
    (answer,) = env["lead.sale"].record_transactions([row])
    wizard = env["lead.invoice.wizard"].create(
        {"partner_ids": buyer.ids, "posting": "post"}
    )
    wizard.action_invoice()
    move = env["lead.sale"].browse(answer["id"]).invoice_id
    if move.state != "posted":
        raise SystemExit(f"Error: the first document is {move.state or 'missing'}.")
    return move


def write_leads(env, template, options, runs):
    """Write the leads, their documents and the work items of the runs."""
    cr = env.cr
    cr.execute("SELECT max(id) FROM lead_sale")
    names = {
        **options,
        "first": cr.fetchone()[0] + 1,
        "company": env.company.id,
        "currency": env.company.currency_id.id,
        "lead_type": template.invoice_line_ids.lead_type_id.id,
        "price": PRICE,
        "reviewed": min(REVIEWED, options["leads"] // 50),
    }
    env.flush_all()
    cr.execute("SET LOCAL work_mem = '256MB'")
    cr.execute(LEADS.format(**names))
    cr.execute(DOCUMENTS)
    cr.execute("ANALYZE lead, document")
    cr.execute(ITEMS.format(**names))
    copy_moves(cr, template)
    for line in template.line_ids:
        copy_lines(cr, line)
    cr.execute("ANALYZE account_move, account_move_line")
    cr.execute(SALES.format(**names))
    cr.execute("SELECT setval('lead_sale_id_seq', max(id)) FROM lead_sale")
    cr.execute(REVIEW.format(**names))
    cr.execute(REVIEW_LINES)


def copy_moves(cr, template):
    """Copy a posted document for each row of `document`."""
    number = "'BOOKS/' || document.n"
    values = {
        "name": number,
        "payment_reference": number,
        "sequence_prefix": "'BOOKS/'",
        "sequence_number": "document.n",
        "access_token": "NULL",
        "partner_id": "buyer_id",
        "commercial_partner_id": "buyer_id",
        "partner_shipping_id": "buyer_id",
        "invoice_partner_display_name": "partner.name",
        "lead_run_id": "document.run_id",
        "lead_run_buyer_id": "item.id",
        "lead_window_start": "document.window_start",
        "lead_window_end": "document.window_end",
        "lead_posted_at": "document.window_end + interval '6 hours'",
        **dict.fromkeys(
            ("date", "invoice_date", "invoice_date_due"), "document.window_end::date"
        ),
    }
    copy_record(
        cr,
        template,
        values,
        """
          FROM account_move AS old
         CROSS JOIN document
          JOIN res_partner AS partner ON partner.id = document.buyer_id
          JOIN lead_invoice_run_buyer AS item
            ON item.run_id = document.run_id AND item.partner_id = document.buyer_id
        """,
    )


def copy_lines(cr, line):
    """Copy a line of the template onto each copy."""
    values = {
        "move_id": "move.id",
        "move_name": "move.name",
        "partner_id": "document.buyer_id",
        "date": "move.date",
        "invoice_date": "move.invoice_date",
        "date_maturity": "CASE WHEN old.date_maturity IS NOT NULL THEN move.date END",
        "lead_count": "old.lead_count * document.leads",
        **{
            name: f"old.{name} * document.net"
            for name in ("debit", "credit", "balance", "quantity")
        },
        "price_subtotal": "old.price_subtotal * document.net",
        "price_total": "old.price_total * document.net",
    }
    copy_record(
        cr,
        line,
        values,
        """
          FROM account_move_line AS old
         CROSS JOIN document
          JOIN account_move AS move ON move.sequence_prefix = 'BOOKS/'
           AND move.sequence_number = document.n
        """,
    )


def copy_record(cr, record, values, source):
    """Insert copies of a record, its amounts times `document.net`.

    :param values: the SQL of what is not as in the record, by column
    :param source: FROM clause with the record as `old` and a `document` for each copy,
        in the order of its `n`
    """
    cr.execute(
        """
        SELECT column_name, data_type FROM information_schema.columns
         WHERE table_name = %s AND column_name != 'id' AND is_generated = 'NEVER'
        """,
        [record._table],
    )
    columns = {
        name: values.get(
            name,
            f"old.{name} * document.net"
            if name.startswith("amount_") and kind == "numeric"
            else f'old."{name}"',
        )
        for name, kind in cr.fetchall()
    }
    names = ", ".join(f'"{name}"' for name in columns)
    cr.execute(
        f"INSERT INTO {record._table} ({names}) SELECT {', '.join(columns.values())}"
        f" {source} WHERE old.id = %s ORDER BY document.n",
        [record.id],
    )
