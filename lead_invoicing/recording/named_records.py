"""Whom and what a row names: its buyer, its lead type and its currency."""

from decimal import Decimal

from ..tools.parsing import RowError, read_reference
from .file_formats import is_sign_of
from .row import IncomingTransaction


class NamedRecordRules:
    """The part of :class:`~.recorder.LeadRecorder` that finds the buyers, lead types
    and currencies that rows name, and checks that they may be named."""

    def find_buyers(self, references):
        """Return whom these names mean, by the rule of recording, in order: rows with
        ``partner_id`` and ``commercial_partner_id``, or refused with the reason.

        :param references: list of what a caller sent, whatever it is
        """
        rows = []
        for reference in references:
            row = IncomingTransaction()
            rows.append(row)
            try:
                row.buyer_ref = read_reference(
                    self.env, "ref", reference, required=True
                )
            except RowError as refused:
                row.refuse(refused)
        good = [row for row in rows if not row.status]
        self._find_buyers(good)
        for row in good:
            try:
                self._check_buyer(row)
            except RowError as refused:
                row.refuse(refused)
        return rows

    def _resolve_references(self, rows):
        """Look up the buyers, lead types and currencies that ``rows`` name."""
        self._find_buyers(rows)
        for row in rows:
            if row.from_file and row.partner_id and row.buyer_ref:
                self._check_buyer_columns(row)
        currencies = self.env["res.currency"].with_context(active_test=False)
        self.currencies = {
            currency.id: (
                currency.name,
                currency.active,
                Decimal(str(currency.rounding)),
                currency.symbol,
            )
            for currency in currencies.sudo().search([])  # public data
        }
        self.currency_ids = {values[0]: id_ for id_, values in self.currencies.items()}

    def _find_buyers(self, rows):
        """Look up the buyers that ``rows`` name."""
        self.buyers_by_ref = self.store.query_buyers_by_ref(
            {row.buyer_ref for row in rows}
        )
        self.buyers = self.store.query_buyers({row.partner_id for row in rows})

    def _check_buyer_columns(self, row):
        """Check that the contact and the reference of a row mean the same buyer."""
        found = self.buyers_by_ref.get(row.buyer_ref, ())
        if row.partner_id not in [partner_id for partner_id, _commercial in found]:
            partner = self.env["res.partner"].browse(row.partner_id)
            row.refuse(
                self.reader.refuse_two("buyer_ref", partner.display_name, row.buyer_ref)
            )

    def _check_buyer(self, row):
        if row.partner_id:
            self._check_buyer_id(row)
            return
        if not row.buyer_ref:
            return
        found = self.buyers_by_ref.get(row.buyer_ref, ())
        if not found:
            raise RowError(
                "buyer_ref",
                self.env._(
                    "no buyer is known as “%s”; enter it as the reference of a contact"
                    " or under Buyer References, then send the row again.",
                    row.buyer_ref,
                ),
            )
        if len(found) > 1:
            raise RowError(
                "buyer_ref",
                self.env._(
                    "%(count)s contacts have the reference “%(ref)s”; specify under"
                    " Lead Buyer References which one is meant, then send the row"
                    " again.",
                    count=len(found),
                    ref=row.buyer_ref,
                ),
            )
        row.partner_id, row.commercial_partner_id = found[0]

    def _check_buyer_id(self, row):
        row.commercial_partner_id = self.buyers.get(row.partner_id)
        if not row.commercial_partner_id:
            raise RowError(
                "buyer_ref",
                self.env._(
                    "the buyer does not exist or belongs to another company; choose"
                    " one of %s.",
                    self.company.name,
                ),
            )

    def _check_lead_type(self, row):
        if not (row.lead_type_id or row.lead_type):
            return
        lead_type_id = row.lead_type_id or self.lead_type_ids.get(row.lead_type)
        if lead_type_id not in self.lead_types:
            raise RowError(
                "lead_type",
                self.env._(
                    "“%(code)s” is not a lead type of %(company)s; its codes are:"
                    " %(known)s.",
                    code=row.lead_type or row.lead_type_id,
                    company=self.company.name,
                    known=", ".join(sorted(self.lead_type_ids)) or self.env._("none"),
                ),
            )
        row.lead_type_id = lead_type_id

    def _check_no_sample(self, row):
        is_type = row.lead_type_id in self.rules.sample_type_ids
        if is_type or row.partner_id in self.rules.sample_buyer_ids:
            raise RowError(
                "lead_type" if is_type else "buyer_ref",
                self.env._(
                    "this is a sample, for which nothing is recorded; choose another"
                    " one, or remove the sample leads under Getting Started."
                ),
            )

    def _check_currency(self, row):
        """Check the currency, and that the price is not finer than it can be billed."""
        row.currency_id = row.currency_id or self.currency_ids.get(row.currency)
        name, active, rounding, symbol = self.currencies.get(
            row.currency_id, (row.currency, False, None, None)
        )
        if not active:
            raise RowError(
                "currency",
                self.env._(
                    "“%s” is not an active currency; send the code of one that is"
                    " active in Odoo, such as USD.",
                    name,
                ),
            )
        if row.price is None:
            return
        if not is_sign_of(row.price_sign, name, symbol):
            raise RowError(
                "price",
                self.env._(
                    "“%(sign)s” is not the symbol of %(currency)s, the currency of"
                    " this row; correct the price, or the currency.",
                    sign=row.price_sign,
                    currency=name,
                ),
            )
        if row.price % rounding:
            sentence = self.env._(
                "%(price)s is finer than %(currency)s allows; send a multiple of"
                " %(rounding)s.",
                price=row.price,
                currency=name,
                rounding=format(rounding.normalize(), "f"),
            )
            if row.from_file:
                sentence = self.env._(
                    "%s If this means thousands, choose the file's decimal separator"
                    " in the import options.",
                    sentence,
                )
            raise RowError("price", sentence)
        if row.price % Decimal(1).scaleb(-self.price_digits):
            raise RowError(
                "price",
                self.env._(
                    "%(price)s has more decimals than prices have in Odoo; send at most"
                    " %(digits)s, or raise the accuracy of “Product Price”.",
                    price=row.price,
                    digits=self.price_digits,
                ),
            )
