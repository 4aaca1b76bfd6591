from odoo import fields, models


class ResPartner(models.Model):
    """Settlement of a buyer's open lead invoices."""

    _inherit = "res.partner"

    lead_auto_settle = fields.Boolean(
        "Settle Automatically",
        company_dependent=True,
        help="The buyer's credits are applied to its open lead invoices automatically:"
        " for a prepaid buyer, deposits, credit notes and all other credits; for a"
        " buyer on credit, lead credit notes. When off, your accountant reconciles"
        " them.",
        groups="base.group_user",
    )

    def _commercial_fields(self):
        return super()._commercial_fields() + ["lead_auto_settle"]

    def _is_settled_from_balance(self):
        """Tell whether all that is in this buyer's favor settles its invoices by
        itself, in the current company."""
        self.ensure_one()
        return self.lead_auto_settle and self.lead_billing_mode == "prepaid"

    def _reconcile_lead_invoices(self, company, currency, posted):
        """Settle this buyer's open lead invoices in a currency: of a prepaid buyer
        from all that is in its favor, less what was paid back to it; of another from
        lead credit notes alone. Each item settles what it names first, then the oldest;
        disputed invoices are left open.

        :param company: the company whose books these are
        :param currency: the currency of the invoices and of what settles them
        :param posted: the posted ``account.move`` that this is tried for
        """
        self.ensure_one()
        # Posting decides this; it reads no other buyer's books. What posting was asked
        # to do is of no concern for these reconciliations.
        env = self.env(su=True, context={"lang": self.env.context.get("lang")})
        partner = self.commercial_partner_id.with_env(env).with_company(company)
        is_prepaid = partner._is_settled_from_balance()
        if not partner.lead_auto_settle or not (
            is_prepaid or posted.filtered("lead_run_id")
        ):
            return
        if is_prepaid:
            partner._settle_paybacks(company, currency, posted)
        lines = partner._get_open_receivables(company, currency)
        credits = lines.filtered(
            lambda line: (
                line._is_lead_credit() and (is_prepaid or line.move_id.lead_run_id)
            )
        )
        named = credits.move_id._get_named_lead_invoices()
        invoices = lines.filtered(
            lambda line: (
                line.amount_residual_currency > 0
                # What undoes a credit note asks for its leads again.
                and line.move_id._is_about_leads()
                and line.move_id.move_type == "out_invoice"
                and not line.move_id._is_lead_settlement_suspended()
            )
        )
        for credit in credits:
            for line in invoices.filtered(
                lambda line, move=credit.move_id: line.move_id in named[move]
            ):
                line._settle_with(credit)
        for line in invoices:
            line._settle_with(credits)

    def _get_open_receivables(self, company, currency):
        """Return the posted receivable items of all contacts of this buyer that are not
        reconciled, the oldest first."""
        domain = self._get_open_receivables_domain(company)
        return self.env["account.move.line"].search(
            [*domain, ("currency_id", "=", currency.id)], order="date_maturity, id"
        )

    def _get_open_receivables_domain(self, company):
        """Return the domain of the posted receivable items of all contacts of this
        buyer that are not reconciled."""
        self.ensure_one()
        contacts = self.with_context(active_test=False).search(
            [("commercial_partner_id", "=", self.id)]
        )
        return [
            ("company_id", "=", company.id),
            ("partner_id", "in", contacts.ids),
            ("account_type", "=", "asset_receivable"),
            ("parent_state", "=", "posted"),
            ("reconciled", "=", False),
        ]

    def _settle_paybacks(self, company, currency, posted):
        """Reconcile what was paid back to this buyer, so that it settles nothing: with
        the payment that it pays back, with what names no invoice, with the rest; and
        when that is not enough, with what paid the buyer's newest lead invoices.

        :param posted: only what was paid back by these reopens invoices
        """
        self.ensure_one()
        lines = self._get_open_receivables(company, currency)
        paybacks = lines.filtered(
            lambda line: (
                line.amount_residual_currency > 0 and line.move_id._is_lead_payback()
            )
        )
        if not paybacks:
            return
        credits = lines.filtered(lambda line: line._is_lead_credit())
        named = credits.move_id._get_named_lead_invoices()
        for line in paybacks:
            sources = line.move_id.origin_payment_id._get_lead_source_payments().move_id
            for credit in credits.sorted(
                lambda credit, sources=sources: (
                    credit.move_id not in sources,
                    bool(named[credit.move_id]),
                )
            ):
                line._settle_with(credit)
            if not line.reconciled and line.move_id in posted:
                self._reopen_for_payback(line, sources)

    def _reopen_for_payback(self, line, sources):
        """Take back from this buyer's newest lead invoices what paid them and was paid
        back.

        :param line: the item that was paid back
        :param sources: the entries of the payments that it pays back; empty: unknown
        """
        partials = self.env["account.partial.reconcile"].search(
            [
                ("debit_move_id.move_id.lead_run_id", "!=", False),
                ("debit_move_id.company_id", "=", line.company_id.id),
                ("debit_move_id.partner_id.commercial_partner_id", "=", self.id),
                ("debit_move_id.account_id", "=", line.account_id.id),
                ("debit_currency_id", "=", line.currency_id.id),
                # Money: what a credit note gave is not what was paid.
                ("credit_move_id.move_id.move_type", "=", "entry"),
                *([("credit_move_id.move_id", "in", sources.ids)] if sources else []),
            ]
        )
        partials = partials.filtered(
            lambda partial: (
                not partial.debit_move_id.move_id._is_lead_settlement_suspended()
            )
        )
        for partial in partials.sorted(
            lambda partial: (partial.debit_move_id.date_maturity, partial.id),
            reverse=True,
        ):
            if line.reconciled:
                break
            credit = partial.credit_move_id
            partial.unlink()
            line._settle_with(credit)
