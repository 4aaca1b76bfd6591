from odoo import models


class LeadInvoiceRunBuyer(models.Model):
    """What documents that are not made yet come to with tax, by Odoo's own engine."""

    _inherit = "lead.invoice.run.buyer"

    def _get_planned_totals(self, documents):
        """Return the totals of planned documents, tax included; below zero for what is
        given back. Taxes are looked up once for each kind of place and lead type.

        :param documents: list of :class:`PlannedDocument`
        :return: list of amounts, in the order of ``documents``
        """
        partners = self.env["res.partner"].browse(
            dict.fromkeys(
                document.sub_account_id or document.item.partner_id.id
                for document in documents
            )
        )
        positions = partners._get_lead_fiscal_positions()
        # What leads are taxed with is no secret to whoever may invoice them.
        engine = self.env["account.tax"].sudo()
        known, totals = {}, []
        for document in documents:
            partner_id = document.sub_account_id or document.item.partner_id.id
            currency = self.env["res.currency"].browse(document.currency_id)
            taxed = []
            for line in document.lines:
                key = (line.lead_type_id, positions[partner_id])
                if line.tax_ids is None and key not in known:
                    known[key] = partners._get_lead_taxes(*key)
                taxes = engine.browse(line.tax_ids or ())
                taxed.append((line, known[key] if line.tax_ids is None else taxes))
            charges = [
                (planned.charge, line, engine.browse(line.tax_ids or ()))
                for planned in document.charges
                for line in planned.lines
            ]
            if not any(taxes for *_line, taxes in [*taxed, *charges]):
                totals.append(currency.round(float(document.amount)))
                continue
            base_lines = [
                partners._prepare_lead_base_line(
                    currency,
                    {
                        "lead_type_id": line.lead_type_id,
                        "is_return": line.transaction_type == "return",
                        "price": line.price,
                        "count": line.count,
                        "amount": line.amount,
                        "tax_ids": taxes,
                    },
                )
                for line, taxes in taxed
            ] + [
                engine._prepare_base_line_for_taxes_computation(
                    None,
                    product_id=charge.product_id,
                    tax_ids=taxes,
                    quantity=1,
                    price_unit=float(line.amount),
                    currency_id=currency,
                )
                for charge, line, taxes in charges
            ]
            totals.append(
                engine._sum_lead_base_lines(base_lines, currency, self.env.company)
            )
        return totals
