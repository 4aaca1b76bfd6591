import time

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..recording.data_subject import get_person_sql
from ..tools.parsing import shorten

# One step of a search: so many transactions by one query, as long as there is time.
SEARCH_SLICE = 100_000
SEARCH_SECONDS = 15
# More than that are not one person's.
FOUND_LIMIT = 1_000
SHORTEST_TEXT = 3
# More does PostgreSQL not search for at a time, and nobody is called so.
LONGEST_TEXT = 200
MOST_TEXTS = 50


class LeadErasureWizard(models.TransientModel):
    """Finds the transactions of one person's leads and erases what they say of it.

    No index serves a search through lead data: it would cost more at every recording
    than the rare search is worth. A large ledger is searched step by step.
    """

    _name = "lead.erasure.wizard"
    _description = "Erase Lead Data"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    lead_ref = fields.Char(
        "Lead", help="The platform's reference of the lead, exactly as recorded."
    )
    texts = fields.Text(
        "Email, Phone or Name",
        groups="lead_invoicing.group_lead_data",
        help="One per line. A transaction is found when its lead data contains one of"
        " them, in upper or lower case; a name may be split over two fields, and a"
        " phone number may be written in any format.",
    )
    searched_id = fields.Integer("Searched Through", readonly=True)
    last_id = fields.Integer(readonly=True)
    progress = fields.Float("Searched", compute="_compute_progress")
    is_searching = fields.Boolean(compute="_compute_progress")
    has_searched = fields.Boolean(readonly=True)
    sale_ids = fields.Many2many("lead.sale", string="Transactions")
    sale_count = fields.Integer("Number of Transactions", compute="_compute_sale_count")
    reason = fields.Char()

    @api.depends("searched_id", "last_id")
    def _compute_progress(self):
        for wizard in self:
            wizard.is_searching = wizard.searched_id < wizard.last_id
            wizard.progress = (
                100.0 * wizard.searched_id / wizard.last_id
                if wizard.is_searching
                else 100.0
            )

    @api.depends("sale_ids")
    def _compute_sale_count(self):
        for wizard in self:
            wizard.sale_count = len(wizard.sale_ids)

    # Finding

    @api.model
    def _get_open_action(self, sales):
        """Return the action that asks why the lead data of these transactions, and of
        others of the same leads, are erased.

        :param sales: transactions of one company
        :raises UserError: if there are too many
        """
        wizard = self.create({"company_id": sales.company_id.id})
        wizard._add_found(SQL("sale.id = ANY(%s)", sales.ids))
        return wizard._reopen()

    def action_search(self):
        """Find the transactions of the lead and of the person that are named.

        :raises UserError: if nobody is named, or too many are found
        """
        self.ensure_one()
        self.write({"sale_ids": [Command.clear()], "has_searched": True})
        self.searched_id = self.last_id = 0
        if not (self.lead_ref or self._get_texts()):
            raise UserError(
                self.env._(
                    "Enter whose data to erase: the reference of the lead, or an email"
                    " address, phone number or name."
                )
            )
        if self.lead_ref:
            self._add_found(SQL("sale.lead_ref = %s", self.lead_ref.strip()))
        if self._get_texts():
            self.last_id = self._get_last_id()
            return self.action_search_on()
        return self._reopen()

    def action_search_on(self):
        """Search the next part of the ledger.

        :raises UserError: if too many are found
        """
        self.ensure_one()
        person = get_person_sql(self._get_texts())
        deadline = time.monotonic() + SEARCH_SECONDS
        while self.is_searching and time.monotonic() < deadline:
            until = min(self.searched_id + SEARCH_SLICE, self.last_id)
            part = SQL("sale.id > %s AND sale.id <= %s", self.searched_id, until)
            self._add_found(SQL("%s AND %s", part, person))
            self.searched_id = until
        return self._reopen()

    def _get_texts(self):
        """Return what the data of the person are looked for by.

        :raises UserError: for what is too short to tell a person, or too much
        """
        # The field knows who sees lead data; others search by the lead alone.
        if not self._has_field_access(self._fields["texts"], "read"):
            return []
        texts = [line.strip() for line in (self.texts or "").splitlines()]
        texts = [text for text in texts if text]
        if len(texts) > MOST_TEXTS:
            raise UserError(
                self.env._(
                    "%(count)s lines are too many; search for at most %(limit)s at a"
                    " time.",
                    count=len(texts),
                    limit=MOST_TEXTS,
                )
            )
        for text in texts:
            if len(text) > LONGEST_TEXT:
                raise UserError(
                    self.env._(
                        "“%(text)s” is too long to find a person by; enter at most"
                        " %(limit)s characters per line.",
                        text=shorten(text),
                        limit=LONGEST_TEXT,
                    )
                )
            if len(text) < SHORTEST_TEXT:
                raise UserError(
                    self.env._(
                        "“%s” is too short to find a person by; enter more of it.",
                        shorten(text),
                    )
                )
        return texts

    def _get_last_id(self):
        ((last_id,),) = self.env.execute_query(SQL("SELECT max(id) FROM lead_sale"))
        return last_id or 0

    def _add_found(self, rows):
        """Add the transactions that a condition on ``lead_sale sale`` finds, and those
        of the same leads: other sales of them, and their returns.

        :raises AccessError: for a company that the user is not in
        :raises UserError: if there are too many
        """
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._("You cannot erase another company's lead data.")
            )
        self.env["lead.sale"].flush_model()
        # Which transactions are these, and which belong to the same leads?
        query = SQL(
            """
            WITH RECURSIVE found AS (
                SELECT COALESCE(origin_id, id) AS sale_id, lead_ref
                  FROM lead_sale sale
                 WHERE company_id = %(company)s AND %(rows)s
                 LIMIT %(limit)s
            ), corrected AS (
                -- The sales whose prices were corrected, and what corrected them.
                SELECT sale_id AS id FROM found
                 UNION
                SELECT next.id
                  FROM corrected
                  JOIN lead_sale sale ON sale.id = corrected.id
                  JOIN lead_sale next ON next.id = sale.corrected_sale_id
                                      OR next.corrected_sale_id = sale.id
            )
            SELECT id FROM corrected
             UNION
            SELECT id FROM lead_sale WHERE origin_id IN (SELECT id FROM corrected)
             UNION
            SELECT id FROM lead_sale
             WHERE company_id = %(company)s
               AND lead_ref IN (SELECT lead_ref FROM found)
            """,
            company=self.company_id.id,
            rows=rows,
            limit=FOUND_LIMIT + 1,
        )
        # What is searched for is personal data: it stays out of the log.
        self.env.cr.execute(query, log_exceptions=False)
        ids = [sale_id for (sale_id,) in self.env.cr.fetchall()]
        found = self.sale_ids | self.env["lead.sale"].search([("id", "in", ids)])
        if len(found) > FOUND_LIMIT:
            raise UserError(
                self.env._(
                    "More than %s transactions were found. Narrow your search.",
                    FOUND_LIMIT,
                )
            )
        self.sale_ids = found

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Erase Lead Data"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    # Erasing

    def action_erase(self):
        """Erase the lead data of the transactions that are listed, for good.

        :raises UserError: without a transaction or a reason, or while a search goes on
        """
        self.ensure_one()
        sales = self.sale_ids
        sales.check_access("write")
        if self.is_searching:
            raise UserError(self.env._("Search the rest of the ledger first."))
        if not sales:
            raise UserError(self.env._("No transactions selected."))
        if sales.company_id != self.company_id:
            raise UserError(self.env._("Erase the lead data of one company at a time."))
        if not (self.reason and self.reason.strip()):
            raise UserError(self.env._("Enter a reason."))
        erasure = self.env["lead.erasure"]._erase_on_request(sales, self.reason.strip())
        # What was searched for is forgotten, too. It is the user's own wizard.
        self.sudo().unlink()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "The lead data of %s transactions has been erased.",
                    erasure.sale_count,
                )
                if erasure.sale_count
                else self.env._("This lead data has already been erased."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
