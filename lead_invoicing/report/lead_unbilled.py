from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..models.lead_invoice_run_buyer_plan import last_document_sql, period_start_sql
from ..models.lead_sale import unbilled_sql

# Why an unbilled transaction waits. The first that applies is told, in the order of
# the query below.
UNBILLED_REASONS = [
    ("window", "Next invoice"),
    ("no_cycle", "No billing cycle"),
    ("manual", "To be invoiced manually"),
    ("hold", "On hold"),
    ("minimum", "Below the hold amount"),
    ("earlier", "Before the billing period"),
    ("parked", "Invoicing failed"),
    ("stopped", "Invoicing has stopped"),
]
AGES = [
    ("0_7", "Up to 7 days"),
    ("8_30", "8 to 30 days"),
    ("31_60", "31 to 60 days"),
    ("over_60", "Over 60 days"),
]
# From so many full days on a transaction is in the next age.
AGE_DAYS = (8, 31, 61)

# What a report on unbilled leads reads of the ledger.
SALE_FIELDS = [
    "amount",
    "commercial_partner_id",
    "company_id",
    "currency_id",
    "date",
    "invoice_line_id",
    "lead_type_id",
    "waived",
]


def flush_depends(report):
    """Write what is pending of what the query of a report reads.

    :param report: a model with ``_depends``
    """
    for model, names in report._depends.items():
        report.env[model].flush_model(names)


def get_age_sql(date, moment):
    """Return the SQL for the age of a transaction, as in ``AGES``.

    :param date: SQL of the date of the transaction
    :param datetime moment: naive UTC, when the age is asked for
    """
    first, second, third = (moment - timedelta(days=days) for days in AGE_DAYS)
    return SQL(
        "CASE WHEN %(date)s > %(first)s THEN '0_7' WHEN %(date)s > %(second)s"
        " THEN '8_30' WHEN %(date)s > %(third)s THEN '31_60' ELSE 'over_60' END",
        date=date,
        first=first,
        second=second,
        third=third,
    )


def get_age_domain(age, moment):
    """Return the domain of the transactions of an age, as :func:`get_age_sql` tells.

    :param age: one of ``AGES``
    :param datetime moment: naive UTC, when the age is asked for
    """
    bounds = [moment - timedelta(days=days) for days in AGE_DAYS]
    place = [name for name, _label in AGES].index(age)
    domain = Domain.TRUE
    if place < len(bounds):
        domain &= Domain("date", ">", bounds[place])
    if place:
        domain &= Domain("date", "<=", bounds[place - 1])
    return domain


class LeadUnbilled(models.Model):
    """What waits to be billed, how old it is, and why it waits.

    Read from the ledger whenever it is looked at. The index of the unbilled finds the
    rows, so that what was billed before costs nothing.
    """

    _name = "lead.unbilled"
    _description = "Unbilled Leads"
    _auto = False
    _order = "oldest_date, id"
    _rec_name = "partner_id"
    _depends = {
        "lead.sale": SALE_FIELDS,
        "lead.invoice.run": ["state", "window_end"],
        "lead.invoice.run.buyer": ["held_back", "partner_id", "state", "window_end"],
        "res.partner": [
            "commercial_partner_id",
            "lead_billing_cycle_id",
            "lead_billing_hold",
        ],
        "account.move": ["lead_run_id", "lead_window_end", "state"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Buyer", readonly=True)
    lead_type_id = fields.Many2one("lead.type", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    cycle_id = fields.Many2one("lead.billing.cycle", "Billing Cycle", readonly=True)
    reason = fields.Selection(UNBILLED_REASONS, "Reason for Waiting", readonly=True)
    age = fields.Selection(AGES, readonly=True)
    in_next_run = fields.Boolean(
        "In the Next Run",
        readonly=True,
        help="Falls into the billing period that the next invoice run of its cycle is"
        " for.",
    )
    sale_count = fields.Integer("Transactions", readonly=True)
    amount = fields.Monetary(readonly=True)
    oldest_date = fields.Datetime("Oldest", readonly=True, aggregator="min")

    @property
    def _table_query(self):
        # A row is known by its oldest transaction: it is in no other row.
        return SQL(
            """
            SELECT min(id) AS id, company_id, partner_id, lead_type_id, currency_id,
                   cycle_id, reason, age,
                   reason = 'window' AND date < next_end IS TRUE AS in_next_run,
                   count(*) AS sale_count, sum(amount) AS amount,
                   min(date) AS oldest_date
              FROM (%s) waiting
             GROUP BY company_id, partner_id, lead_type_id, currency_id, cycle_id,
                      reason, age, in_next_run
            """,
            self._get_transactions_sql(self.env.companies),
        )

    @api.model
    def get_empty_list_help(self, help_message):
        """Say where to begin, as long as nothing was ever sold."""
        # Actions are read with all rights: the companies are asked for.
        sold = Domain("company_id", "in", self.env.companies.ids)
        if self.env["lead.sale"].search_count(sold, limit=1):
            return super().get_empty_list_help(help_message)
        return self.env["ir.qweb"]._render("lead_invoicing.lead_unbilled_no_leads_yet")

    # Actions

    def action_view_sales(self):
        """Open the transactions behind these rows."""
        self.check_access("read")
        return self.env["lead.sale"]._get_view_action(
            Domain.OR(row._get_sales_domain() for row in self)
        )

    def _get_sales_domain(self):
        """Return the domain of the transactions behind this row."""
        self.ensure_one()
        domain = Domain(
            [
                ("company_id", "=", self.company_id.id),
                (
                    "commercial_partner_id.commercial_partner_id",
                    "=",
                    self.partner_id.id,
                ),
                ("lead_type_id", "=", self.lead_type_id.id),
                ("currency_id", "=", self.currency_id.id),
                ("billing_state", "=", "unbilled"),
                ("unbilled_reason", "=", self.reason),
            ]
        )
        window = self.reason == "window" and self.cycle_id._get_known_next_window()
        if window:
            domain &= Domain("date", "<" if self.in_next_run else ">=", window.end)
        return domain & get_age_domain(self.age, fields.Datetime.now())

    # The question: what waits, and why?

    @api.model
    def _get_transactions_sql(self, companies, partners=None):
        """Return the query for the unbilled transactions, one row for each: its id,
        buyer, type, currency, amount, date, the cycle that bills it and where the
        period ends that this cycle invoices next, its age and the reason why it waits.

        :param companies: ``res.company``
        :param partners: what was recorded under these billed buyers only; by default
            all
        """
        if not companies:
            companies = self.env.company
        # A query, in which it is read which cycle a company uses by default, and when
        # its cycles invoice; its caller says of which companies, and what is told.
        return SQL(" UNION ALL ").join(
            SQL("(%s)", self._get_company_sql(company, partners))
            for company in companies.sudo()
        )

    @api.model
    def _get_company_sql(self, company, partners):
        buyers = SQL("")
        if partners is not None:
            buyers = SQL("AND commercial_partner_id = ANY(%s)", partners.ids)
        unbilled = SQL(
            "company_id = %s AND %s %s",
            company.id,
            unbilled_sql(),
            buyers,
        )
        # What would keep all of a buyer's transactions comes first, then what keeps
        # those before some moment. What decides on a buyer is asked once for each.
        return SQL(
            """
            WITH buyer AS MATERIALIZED (%(buyers)s)
            SELECT sale.id, sale.company_id, buyer.partner_id, sale.lead_type_id,
                   sale.currency_id, sale.amount, sale.date, buyer.cycle_id,
                   buyer.next_end, %(age)s AS age,
                   CASE WHEN buyer.hold THEN 'hold'
                        WHEN sale.date < buyer.stopped_end THEN 'stopped'
                        WHEN sale.date < buyer.failed_end THEN 'parked'
                        WHEN sale.date < buyer.todo_end THEN 'window'
                        WHEN buyer.cycle_id IS NULL THEN 'no_cycle'
                        WHEN NOT buyer.is_scheduled THEN 'manual'
                        WHEN sale.date < buyer.held_end
                             AND sale.create_date <= buyer.held_at THEN 'minimum'
                        WHEN sale.date < buyer.start THEN 'earlier'
                        ELSE 'window'
                   END AS reason
              FROM (SELECT * FROM lead_sale WHERE %(unbilled)s) sale
              JOIN buyer ON buyer.id = sale.commercial_partner_id
            """,
            age=get_age_sql(SQL("sale.date"), fields.Datetime.now()),
            unbilled=unbilled,
            buyers=self._get_buyers_sql(company, unbilled),
        )

    @api.model
    def _get_buyers_sql(self, company, unbilled):
        """Return the query for what decides on the transactions of each buyer."""
        # Of whichever contacts bought, their cycle and whether they are on hold is
        # asked; whoever may see unbilled leads is told why these wait.
        partners = self.env["res.partner"].sudo().with_company(company)
        query = partners._search([], active_test=False, bypass_access=True)
        # Where does each buyer with something unbilled stand, as the commercial entity
        # that it belongs to today: its cycle, what is left of its runs, its last one,
        # and where its next period starts?
        return SQL(
            """
            SELECT buyer.id, buyer.partner_id, buyer.cycle_id, buyer.hold,
                   cycle.is_scheduled, cycle.window_end AS next_end,
                   GREATEST(item.stopped_end, cycle.stopped_end) AS stopped_end,
                   item.failed_end, item.todo_end,
                   CASE WHEN last_item.held_back THEN last_item.window_end END
                       AS held_end,
                   last_item.write_date AS held_at,
                   %(start)s AS start
              FROM (SELECT contact.id, res_partner.id AS partner_id,
                           COALESCE(%(own_cycle)s, %(cycle)s) AS cycle_id,
                           COALESCE(%(hold)s, FALSE) AS hold
                      FROM (SELECT DISTINCT commercial_partner_id AS id
                              FROM lead_sale WHERE %(unbilled)s) waiting
                      JOIN res_partner contact ON contact.id = waiting.id
                      JOIN res_partner
                           ON res_partner.id = contact.commercial_partner_id
                    OFFSET 0) buyer
              LEFT JOIN (VALUES %(cycles)s)
                   AS cycle(id, is_scheduled, start, window_end, stopped_end)
                   ON cycle.id = buyer.cycle_id
              LEFT JOIN (
                   SELECT item.partner_id,
                          max(item.window_end) FILTER (WHERE item.state = 'failed')
                              AS failed_end,
                          max(item.window_end) FILTER (WHERE item.state = 'todo'
                              AND run.state = 'stopped') AS stopped_end,
                          max(item.window_end) FILTER (WHERE item.state = 'todo'
                              AND run.state != 'stopped') AS todo_end
                     FROM lead_invoice_run_buyer item
                     JOIN lead_invoice_run run ON run.id = item.run_id
                    WHERE item.company_id = %(company)s
                      AND item.state IN ('todo', 'failed')
                    GROUP BY item.partner_id) item
                   ON item.partner_id = buyer.partner_id
              LEFT JOIN LATERAL (
                   SELECT held_back, write_date, window_end
                     FROM lead_invoice_run_buyer
                    WHERE partner_id = buyer.partner_id AND company_id = %(company)s
                    ORDER BY window_end DESC, id DESC
                    LIMIT 1) last_item ON TRUE
              LEFT JOIN LATERAL (%(last_document)s) last_document ON TRUE
            """,
            own_cycle=partners._field_to_sql(
                "res_partner", "lead_billing_cycle_id", query
            ),
            hold=partners._field_to_sql("res_partner", "lead_billing_hold", query),
            cycle=company.lead_billing_cycle_id.id or None,
            start=period_start_sql(
                SQL("cycle.id"),
                SQL("cycle.start"),
                SQL("cycle.window_end"),
            ),
            last_document=last_document_sql(
                company,
                # Where all is billed, whenever it was sold, nothing is looked up.
                SQL("CASE WHEN cycle.start IS NOT NULL THEN buyer.partner_id END"),
            ),
            unbilled=unbilled,
            cycles=SQL(", ").join(self._get_cycle_rows(company)),
            company=company.id,
        )

    @api.model
    def _get_cycle_rows(self, company):
        """Return a row of SQL for each cycle of a company: is it scheduled; the start,
        where earlier transactions are left out, and the end of the window that it
        invoices next; the end of what a stopped run leaves waiting."""
        # Types, and a row where there is no cycle.
        rows = [SQL("(0, FALSE, NULL::timestamp, NULL::timestamp, NULL::timestamp)")]
        # Moments of the company's cycles and stopped runs; who asks need see neither.
        cycles = self.env["lead.billing.cycle"].sudo().with_context(active_test=False)
        stopped = dict(
            self.env["lead.invoice.run"]
            .sudo()
            ._read_group(
                [("company_id", "=", company.id), ("state", "=", "stopped")],
                ["cycle_id"],
                ["window_end:max"],
            )
        )
        for cycle in cycles.search([("company_id", "=", company.id)]):
            start = end = None
            is_scheduled = bool(cycle.active and cycle.next_generation_at)
            if is_scheduled and (window := cycle._get_known_next_window()):
                start = None if cycle.include_earlier else window.start
                end = window.end
            rows.append(
                SQL(
                    "(%s, %s, %s::timestamp, %s::timestamp, %s::timestamp)",
                    cycle.id,
                    is_scheduled,
                    start,
                    end,
                    stopped.get(cycle),
                )
            )
        return rows
