from odoo import Command, models
from odoo.tools import formatLang
from odoo.tools.misc import get_lang

from ..tools.local_time import format_window


class LeadInvoiceRunBuyer(models.Model):
    """Write the lines of agreed charges: what each says, and what it comes to."""

    _inherit = "lead.invoice.run.buyer"

    def _prepare_extra_line_vals(self, document):
        vals_list = super()._prepare_extra_line_vals(document)
        for planned in document.charges:
            vals_list += [
                self._prepare_charge_line_vals(document, planned, line)
                for line in planned.lines
            ]
        return vals_list

    def _prepare_charge_line_vals(self, document, planned, line):
        """Return the values of one line of a charge. As for leads, what lowers the
        total of an invoice has a quantity below zero, never a price."""
        charge = planned.charge
        sign = (-1 if document.is_refund else 1) * (-1 if line.amount < 0 else 1)
        vals = {
            "product_id": charge.product_id.id,
            "name": self._get_charge_line_name(document.item, planned),
            "quantity": sign,
            "price_unit": float(abs(line.amount)),
            "lead_charge_id": charge.id,
        }
        if planned.billed:
            vals["lead_billed_charge_id"] = planned.billed.id
            vals["lead_origin_move_id"] = planned.billed.invoice_id.id
        if line.tax_ids is not None:
            vals["tax_ids"] = [Command.set(line.tax_ids)]
        else:
            vals["price_unit"] += self._get_included_tax(document, planned, line)
        return vals

    def _get_included_tax(self, document, planned, line):
        """Return the tax that the price of a charge's line has to include, where the
        taxes of its product are: what was agreed is before tax."""
        taxes = self._new_product_line(document, planned.charge.product_id).tax_ids
        taxes = taxes._origin.flatten_taxes_hierarchy()
        if not taxes.filtered("price_include"):
            return 0.0
        details = taxes._get_tax_details(
            float(abs(line.amount)), 1.0, special_mode="total_excluded"
        )
        return sum(
            data["tax_amount"]
            for data in details["taxes_data"]
            if data["tax"].price_include
        )

    def _get_charge_line_name(self, item, planned):
        """Return the label of a charge's line, in the language of the context: what it
        is, for which period, and how it was worked out."""
        charge = planned.charge.with_context(lang=self.env.context.get("lang"))
        currency = charge.currency_id

        def money(amount):
            return formatLang(self.env, float(amount), currency_obj=currency)

        values = {
            "name": charge.name,
            "type": charge.lead_type_id.name,
            "period": ", ".join(self._get_charge_period_labels(item, planned.periods)),
            "base": money(planned.base),
            "count": planned.count,
        }
        if charge.lead_type_id:
            name = self.env._("%(name)s, %(type)s (%(period)s)", **values)
        else:
            name = self.env._("%(name)s (%(period)s)", **values)
        if planned.billed:
            return self.env._(
                "%(name)s: was already deducted from the leads returned, and is not"
                " credited",
                name=name,
            )
        if charge.kind == "fee":
            return name
        if charge.kind == "minimum":
            return self.env._(
                "%(name)s: %(base)s billed, %(minimum)s agreed",
                name=name,
                base=money(planned.base),
                minimum=money(len(planned.periods) * charge.amount),
            )
        if charge.kind == "discount":
            return self.env._(
                "%(name)s: %(percent)s%% of %(base)s",
                name=name,
                percent=self._format_percent(charge.percent),
                base=money(planned.base),
            )
        return self._get_tier_line_name(planned, name, money)

    def _get_tier_line_name(self, planned, name, money):
        """Return the label of volume prices: how many leads, and the steps that they
        reach."""
        charge = planned.charge
        reached = charge.tier_ids.sorted("from_count").filtered(
            lambda tier: tier.from_count <= planned.count
        )
        if charge.tier_mode == "all":
            reached = reached[-1:]
        steps = [
            self.env._(
                "from %(count)s leads %(price)s each",
                count=tier.from_count,
                price=money(tier.price),
            )
            if tier.price
            else self.env._(
                "from %(count)s leads less %(percent)s%%",
                count=tier.from_count,
                percent=self._format_percent(tier.percent),
            )
            for tier in reached
        ]
        return self.env._(
            "%(name)s: %(count)s leads; %(steps)s",
            name=name,
            count=planned.count,
            steps="; ".join(steps),
        )

    def _format_percent(self, percent):
        lang = self.env["res.lang"].browse(get_lang(self.env).id)
        # Up to 100, with four decimals.
        return lang.format("%.7g", percent)

    def _get_charge_period_labels(self, item, periods):
        """Return periods in words, in the zone of who bills this buyer."""
        run = self.run_id
        buyer = item.partner_id.with_company(run.company_id)
        tz = run._get_charge_tz(run.cycle_id or buyer._get_lead_billing_cycle())
        lang = self.env.context.get("lang")
        return [format_window(self.env, p.start, p.end, tz, lang) for p in periods]
