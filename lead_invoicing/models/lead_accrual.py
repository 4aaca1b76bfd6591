from collections import defaultdict
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, date_utils, format_date

from ..tools.protected_fields import EngineOnly


class LeadAccrual(EngineOnly, models.Model):
    """The journal entry that accrues the leads that were unbilled at the end of a
    month, and its reversal on the next day.

    There is one of a company and month. While the entry or its reversal stands, no
    other is made: two entries would accrue the same leads twice.
    """

    _name = "lead.accrual"
    _description = "Accrual of Unbilled Leads"
    _order = "month desc, id"
    _rec_name = "month"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    month = fields.Date(
        required=True, readonly=True, help="The first day of the month."
    )
    move_id = fields.Many2one(
        "account.move", "Entry", readonly=True, index=True, ondelete="set null"
    )
    reversal_id = fields.Many2one(
        "account.move", readonly=True, index=True, ondelete="set null"
    )

    _company_month_uniq = models.UniqueIndex(
        "(company_id, month)",
        "The unbilled leads of this month have been accrued already.",
    )

    @api.model
    def _may_accrue(self):
        """Tell whether the user manages lead invoicing and keeps the books, too."""
        has_group = self.env.user.has_group
        return has_group("lead_invoicing.group_manager") and (
            has_group("account.group_account_user")
            or has_group("account.group_account_manager")
        )

    @api.model
    def _check_may_accrue(self):
        """Refuse whoever may not accrue.

        :raises AccessError: for who may not
        """
        if self._may_accrue():
            return
        raise AccessError(
            self.env._(
                "Only administrators of Lead Invoicing who may also keep the books can"
                " accrue unbilled leads. Ask your administrator for these rights under"
                " Settings / Users."
            )
        )

    @api.model
    def _accrue(self, last_day, amounts, known_at):
        """Make and post the entry that accrues what was unbilled at a month's end in
        the current company, and its reversal on the next day. A reversal in the future
        is posted by Odoo on its day.

        :param date last_day: of the month
        :param amounts: {(buyer, lead type, currency): amount}, as prices are
        :param datetime known_at: naive UTC, when the amounts were read
        :return: ``lead.accrual``
        :raises AccessError: see :meth:`_check_may_accrue`
        :raises UserError: a sentence, if it cannot be made
        """
        self._check_may_accrue()
        company = self.env.company
        self._check_month(company, last_day, known_at)
        accrual = self._claim(company, date_utils.start_of(last_day, "month"))
        accrual._check_none_stands()
        move = self.env["account.move"].create(
            self._prepare_move_vals(last_day, amounts)
        )
        move._post()
        next_day = last_day + timedelta(days=1)
        reversal = move._reverse_moves(
            [
                {
                    "ref": self.env._("Reversal of: %s", move.ref),
                    "name": "/",
                    "date": next_day,
                }
            ]
        )
        reversal._post()
        # The rights were checked; nobody writes this record by hand.
        accrual.sudo().write({"move_id": move.id, "reversal_id": reversal.id})
        return accrual

    @api.model
    def _claim(self, company, month):
        """Return the record of a month, made where there is none, for this transaction
        alone: whoever asks for it at the same moment is repeated, and sees the entry.
        """
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO lead_accrual (company_id, month, create_uid, create_date)
                VALUES (%s, %s, %s, %s)
                ON CONFLICT (company_id, month) DO UPDATE SET month = EXCLUDED.month
             RETURNING id
                """,
                company.id,
                month,
                self.env.uid,
                self.env.cr.now(),
            )
        )
        accrual = self.browse(rows[0][0])
        accrual.invalidate_recordset()
        return accrual

    def _get_standing(self):
        """Return those of the entry and its reversal that are in the books, or will
        be: not canceled or deleted, and not reversed by another entry."""
        # Which entries stand is told to whoever sees the close.
        accruals = self.sudo()
        entries = accruals.move_id | accruals.reversal_id
        return entries.filtered(
            lambda entry: (
                entry.state != "cancel"
                and not (entry.reversal_move_ids - entries).filtered(
                    lambda reversal: reversal.state == "posted"
                )
            )
        )

    def _check_none_stands(self):
        if standing := self._get_standing():
            raise UserError(
                self.env._(
                    "The unbilled leads of this month have been accrued already: %s."
                    " To accrue them again, first cancel or reverse these entries.",
                    ", ".join(standing.mapped("display_name")),
                )
            )

    # What it needs

    @api.model
    def _is_over(self, company, last_day, moment):
        """Tell whether a month of a company was over at a moment (naive UTC)."""
        return moment >= company._get_lead_day_start(last_day + timedelta(days=1))

    @api.model
    def _check_month(self, company, last_day, known_at):
        """Refuse to accrue what was read before the month was over, or without what the
        entry needs.

        :raises UserError: a sentence
        """
        if not self._is_over(company, last_day, known_at):
            raise UserError(
                self.env._(
                    "The month was not over yet when these figures were shown. To"
                    " accrue its unbilled leads, click Show after %s.",
                    format_date(self.env, last_day),
                )
            )
        if company._get_lead_samples():
            raise UserError(
                self.env._(
                    "%s has sample leads, which do not belong in the books. Remove them"
                    " first, under Getting Started.",
                    company.name,
                )
            )
        journal = company.lead_accrual_journal_id
        if not (journal and company.lead_accrual_account_id):
            raise UserError(
                self.env._(
                    "There is no journal or account for accrued revenue yet. Ask an"
                    " administrator to choose both under Lead Invoicing / Configuration"
                    " / Settings."
                )
            )
        for day in (last_day, last_day + timedelta(days=1)):
            if locks := company._get_violated_lock_dates(day, False, journal):
                raise UserError(
                    self.env._(
                        "The books of %(company)s are locked through %(date)s, so no"
                        " entry can be posted on %(day)s. Ask your accountant to change"
                        " the lock date.",
                        company=company.name,
                        date=format_date(self.env, max(lock[0] for lock in locks)),
                        day=format_date(self.env, day),
                    )
                )

    # The entry

    @api.model
    def _prepare_move_vals(self, last_day, amounts):
        """Return the values of the entry: the income of each lead type, and accrued
        revenue against it, for each currency by itself."""
        company = self.env.company
        income = self._get_income(amounts)
        ref = self.env._("Unbilled leads as of %s", format_date(self.env, last_day))
        lines, totals = [], defaultdict(float)
        for (lead_type, account, currency), amount in income.items():
            balance = currency._convert(amount, company.currency_id, company, last_day)
            totals[currency] += balance
            label = f"{ref}: {lead_type.name}"
            lines.append((label, account, currency, -amount, -balance))
        for currency, balance in totals.items():
            amount = -sum(line[3] for line in lines if line[2] == currency)
            account = company.lead_accrual_account_id
            lines.append((ref, account, currency, amount, balance))
        if not lines:
            raise UserError(
                self.env._(
                    "Nothing was unbilled as of %s: there is nothing to accrue.",
                    format_date(self.env, last_day),
                )
            )
        return {
            "move_type": "entry",
            "journal_id": company.lead_accrual_journal_id.id,
            "date": last_day,
            "ref": ref,
            "line_ids": [
                Command.create(
                    {
                        "name": label,
                        "account_id": account.id,
                        "currency_id": currency.id,
                        "amount_currency": currency.round(amount),
                        "balance": company.currency_id.round(balance),
                        "tax_ids": [Command.clear()],
                    }
                )
                for label, account, currency, amount, balance in lines
            ],
        }

    @api.model
    def _get_income(self, amounts):
        """Return what is to be accrued, before tax: {(lead type, income account,
        currency): amount}.

        Accounts and taxes are those that an invoice of today would have: of the lead
        type's product, as the buyer's fiscal position maps them.
        """
        buyers = self.env["res.partner"].browse({buyer.id for buyer, *_key in amounts})
        positions = buyers._get_lead_fiscal_positions()
        alike = defaultdict(float)
        for (buyer, lead_type, currency), amount in amounts.items():
            alike[lead_type, positions[buyer.id], currency] += amount
        income = defaultdict(float)
        for (lead_type, position, currency), amount in alike.items():
            untaxed = self._get_untaxed(lead_type, position, currency, amount)
            account = self._get_income_account(lead_type, position)
            income[lead_type, account, currency] += untaxed
        return {
            key: key[2].round(amount)
            for key, amount in income.items()
            if not key[2].is_zero(amount)
        }

    @api.model
    def _get_untaxed(self, lead_type, position, currency, amount):
        """Return an amount of leads before tax, where their prices include it."""
        partners = self.env["res.partner"]
        taxes = partners._get_lead_taxes(lead_type.id, position)
        if not taxes:
            return amount
        row = {
            "lead_type_id": lead_type.id,
            "tax_ids": taxes,
            "is_return": amount < 0,
            "price": None,
            "amount": amount,
        }
        # What leads are taxed with is no secret to who keeps the books.
        engine = self.env["account.tax"].sudo()
        base_lines = [partners._prepare_lead_base_line(currency, row)]
        engine._add_tax_details_in_base_lines(base_lines, self.env.company)
        engine._round_base_lines_tax_details(base_lines, self.env.company)
        return base_lines[0]["tax_details"]["total_excluded_currency"]

    @api.model
    def _get_income_account(self, lead_type, position):
        """Return the income account of a lead type.

        :raises UserError: where its product has none
        """
        product = lead_type.product_id.with_company(self.env.company)
        account = product.product_tmpl_id.get_product_accounts(position)["income"]
        if not account:
            raise UserError(
                self.env._(
                    "The product %(product)s of the lead type %(lead_type)s has no"
                    " income account: choose one on the product, or on its category.",
                    product=product.display_name,
                    lead_type=lead_type.name,
                )
            )
        return account
