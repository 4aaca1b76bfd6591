from collections import defaultdict

from odoo import api, models
from odoo.fields import Domain

from ..models.lead_invoice_run_totals import TO_POST, TO_REVIEW
from .overview import Source, UnbilledSource

BY_BUYER = {"search_default_group_partner": 1}
MOVE_AMOUNT = "amount_total_in_currency_signed"


class LeadOverviewCard(models.Model):
    """What needs a person."""

    _inherit = "lead.overview.card"

    @api.model
    def _get_sources(self, reader):
        documents = Domain("lead_run_id", "!=", False)
        return {
            **super()._get_sources(reader),
            "failed": Source(
                "lead.invoice.run.buyer",
                "lead_invoicing.action_lead_overview_failed",
                Domain("state", "=", "failed"),
            ),
            "stopped": Source(
                "lead.invoice.run",
                "lead_invoicing.action_lead_invoice_run",
                Domain("state", "=", "stopped"),
            ),
            "review": Source(
                "account.move",
                "lead_invoicing.action_lead_invoices_review",
                documents & TO_REVIEW,
                amount=MOVE_AMOUNT,
            ),
            "draft": Source(
                "account.move",
                "lead_invoicing.action_lead_invoices_review",
                documents & TO_POST,
                amount=MOVE_AMOUNT,
            ),
            "not_delivered": Source(
                "account.move",
                "lead_invoicing.action_lead_invoices",
                documents & Domain("lead_not_delivered", "=", True),
                amount=MOVE_AMOUNT,
            ),
            "no_cycle": UnbilledSource({"reason": "no_cycle"}, BY_BUYER),
            "balances": Source(
                "lead.balance.level",
                "lead_invoicing.action_lead_overview_balances",
                Domain("is_running_out", "=", True),
            ),
            "disputes": Source(
                "lead.dispute",
                "lead_invoicing.action_lead_dispute",
                Domain("state", "=", "open"),
                amount="amount",
                currency="move_id.currency_id",
            ),
            "silent": Source(
                "lead.sale",
                "lead_invoicing.action_lead_sale",
                Domain("company_id", "in", self._get_silent_companies().ids),
                context={"create": False},
            ),
        }

    @api.model
    def _get_money_sources(self, reader):
        return {
            **super()._get_money_sources(reader),
            "stopped": UnbilledSource({"reason": "stopped"}, BY_BUYER),
        }

    # Buyers that could not be invoiced

    def _get_failed_figures(self, reader):
        """Return how many failures there are, and the money that waits for them, as
        the list of them has it: whatever else keeps a buyer from being billed now."""
        source = self._get_sources(reader)["failed"]
        failed = self.env[source.model].search(source.domain, order="window_end, id")
        # A buyer that failed in several runs has all of it in the last one.
        last = {(item.company_id, item.partner_id): item for item in failed}
        totals = defaultdict(float)
        amounts = failed.browse().concat(*last.values())._read_not_invoiced()
        for by_currency in amounts.values():
            for currency_id, amount in by_currency.items():
                totals[currency_id] += float(amount)
        currencies = self.env["res.currency"]
        return {
            **self._get_tile_figures(reader),
            "amounts": self._format_amounts(
                [
                    (currencies.browse(currency_id), amount)
                    for currency_id, amount in totals.items()
                ]
            ),
        }

    # Balances

    def _get_balances_figures(self, reader):
        """Return how many balances run out, and what is left of them now: those then,
        when each crossed its threshold, are no balances any more."""
        source = self._get_sources(reader)["balances"]
        totals = defaultdict(float)
        for level in self.env[source.model].search(source.domain):
            totals[level.currency_id] += level.balance_now
        return {
            **self._get_tile_figures(reader),
            "amounts": self._format_amounts(totals.items()),
        }

    # The platform

    @api.model
    def _get_silent_companies(self):
        """Return the selected companies whose platform has fallen silent, as the job
        saw last that watches it: to look into the ledger for what is not there takes
        the longer the more there is."""
        return self.env.companies.filtered("lead_feed_is_silent")

    def _get_silent_figures(self, reader):
        silent = self._get_silent_companies()
        watched = self.env.companies.filtered("lead_feed_silence_hours")
        if silent:
            message = self.env._(
                "No leads have come in for longer than expected: %s. Ask the platform"
                " whether it is still sending them.",
                ", ".join(silent.mapped("name")),
            )
        elif watched:
            message = self.calm_text
        else:
            message = self.env._(
                "Nobody is notified when the platform stops sending leads. An"
                " administrator can turn this on in Settings."
            )
        return {
            "figure_count": len(silent),
            "figure": self.env._("Silent") if silent else False,
            "message": message,
            "is_calm": bool(watched) and not silent,
        }
