"""The statement of account: what a buyer was charged, and what it paid, by day."""

from dataclasses import dataclass, field
from datetime import date

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from .invoicing_report import format_count

# More entries than this nobody reads, and no page holds.
LIMIT = 5000


@dataclass
class AccountEntry:
    """One document, payment or entry."""

    date: date
    name: str
    reference: str
    kind: str
    charge: float  # what the buyer owes for it
    credit: float  # what was paid, or credited
    balance: float  # after it, as its section has it


@dataclass
class AccountSection:
    """What stands in one currency of one company."""

    company: models.Model
    currency: models.Model
    is_prepaid: bool  # the balance is the buyer's money, else what it owes
    opening: float = 0.0
    closing: float = 0.0
    charges: float = 0.0
    credits: float = 0.0
    entries: list[AccountEntry] = field(default_factory=list)


class AccountStatement:
    """A buyer's statement of account: posted items on the receivable by their
    accounting date, in sections of companies and currencies.

    Opened by ``lead.account.statement``, which decides who may see it.

    :param env: environment of the reader
    :param partner: the buyer
    :param companies: ``res.company``
    :param date_from, date_to: days, both inclusive
    """

    def __init__(self, env, partner, companies, date_from, date_to):
        self.env = env
        # Who opened it may see this buyer's account.
        self.partner = partner.sudo()
        self.companies = companies.sudo()
        self.date_from = date_from
        self.date_to = date_to
        self.sections = self._read_sections()

    def get_title(self):
        """Return what it is called, for people."""
        return self.env._("Statement of Account")

    def get_days(self):
        """Return the days that it is for, as text."""
        return self.env._(
            "%(first)s through %(last)s",
            first=format_date(self.env, self.date_from),
            last=format_date(self.env, self.date_to),
        )

    def get_params(self):
        """Return what its address says of it."""
        return {"date_from": str(self.date_from), "date_to": str(self.date_to)}

    def get_filename(self, extension):
        """Return a name for a file of it, in plain characters."""
        return f"statement-{self.date_from}-{self.date_to}.{extension}"

    def get_balance_label(self, section):
        """Return what the balance of an :class:`AccountSection` is called: the buyer's
        money where it prepays, else what it owes."""
        if section.is_prepaid:
            return self.env._("Balance")
        return self.env._("Balance Due")

    def _read_sections(self):
        sections = {}
        for company_id, currency_id, amount in self._read_openings():
            section = self._get_section(sections, company_id, currency_id)
            section.opening = section.closing = self._sign(section, float(amount or 0))
        moves = self._read_moves()
        ids = [move_id for _company, _currency, move_id, *_rest in moves]
        # Number and kind of what is on the reader's statement.
        entries = self.env["account.move"].sudo().browse(ids)
        for entry, (company_id, currency_id, _id, day, charge, credit) in zip(
            entries, moves, strict=True
        ):
            section = self._get_section(sections, company_id, currency_id)
            charge, credit = float(charge), float(credit)
            section.charges += charge
            section.credits += credit
            section.closing = section.currency.round(
                section.closing + self._sign(section, charge - credit)
            )
            section.entries.append(
                AccountEntry(
                    day,
                    entry.name or "",
                    (entry.ref if entry.ref != entry.name else "") or "",
                    self._get_kind(entry, charge),
                    charge,
                    credit,
                    section.closing,
                )
            )
        return sorted(
            (
                section
                for section in sections.values()
                if section.entries or not section.currency.is_zero(section.opening)
            ),
            key=lambda section: (section.company.id, section.currency.id),
        )

    def _get_section(self, sections, company_id, currency_id):
        key = (company_id, currency_id)
        if key not in sections:
            company = self.companies.browse(company_id)
            buyer = self.partner.with_company(company)
            # Currencies are no secret.
            currency = self.env["res.currency"].sudo().browse(currency_id)
            sections[key] = AccountSection(
                company,
                currency,
                buyer.lead_billing_mode == "prepaid",
            )
        return sections[key]

    @staticmethod
    def _sign(section, amount):
        """Return what is owed as the section's balance has it."""
        return 0.0 - amount if section.is_prepaid else amount

    def _get_kind(self, move, charge):
        """Return what an entry is, in a word."""
        env = self.env
        if move.move_type == "out_invoice":
            return env._("Receipt") if move.lead_is_receipt else env._("Invoice")
        if move.move_type == "out_refund":
            return env._("Credit note")
        if move._is_lead_payback():
            return env._("Payment back") if charge else env._("Payment")
        return env._("Entry")

    # The items of this buyer's contacts
    _ITEMS = """
          FROM account_move_line line
          JOIN account_account account ON account.id = line.account_id
         WHERE line.partner_id IN (
               SELECT id FROM res_partner WHERE commercial_partner_id = %(partner)s)
           AND line.company_id = ANY(%(companies)s)
           AND account.account_type = 'asset_receivable'
           AND line.parent_state = 'posted'
    """

    def _get_items_sql(self):
        # A constant of this class.
        return SQL(  # pylint: disable=sql-injection
            self._ITEMS, partner=self.partner.id, companies=self.companies.ids
        )

    def _read_openings(self):
        # What was open before the first day?
        return self.env.execute_query(
            SQL(
                """
                SELECT line.company_id, line.currency_id,
                       sum(line.amount_currency) FILTER (WHERE line.date < %s)
                    %s AND line.date <= %s
                 GROUP BY line.company_id, line.currency_id
                """,
                self.date_from,
                self._get_items_sql(),
                self.date_to,
            )
        )

    def _read_moves(self):
        """Return (company id, currency id, move id, day, charge, credit), in order.

        :raises UserError: if there are too many
        """
        # What was charged and credited on these days, by each document?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.company_id, line.currency_id, line.move_id, line.date,
                       GREATEST(sum(line.amount_currency), 0),
                       GREATEST(-sum(line.amount_currency), 0)
                    %s AND line.date BETWEEN %s AND %s AND line.amount_currency != 0
                 GROUP BY line.company_id, line.currency_id, line.move_id, line.date
                 ORDER BY line.date, line.move_id
                 LIMIT %s
                """,
                self._get_items_sql(),
                self.date_from,
                self.date_to,
                LIMIT + 1,
            )
        )
        if len(rows) > LIMIT:
            raise UserError(
                self.env._(
                    "There are more than %s entries on these days. Choose fewer days.",
                    format_count(self.env, LIMIT),
                )
            )
        return rows
