from datetime import datetime

from freezegun import freeze_time
from freezegun.api import FakeDatetime

from .given_back import GivenBackCommon


class ChargesCommon(GivenBackCommon):
    """A weekly cycle, and ways to agree on charges and to look at their lines."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.charge_product = cls.env["product.product"].create(
            {"name": "Charge", "type": "service", "taxes_id": False}
        )
        cls.company.lead_return_policy = "net"

    @classmethod
    def new_buyer(cls, name, **vals):
        """Create a buyer who was one before the first billing period, unless a test
        has frozen another moment."""
        # To freezegun, any moment is an instance of its class.
        if type(datetime.now()) is FakeDatetime:
            return super().new_buyer(name, **vals)
        with freeze_time("2026-10-01 12:00"):
            return super().new_buyer(name, **vals)

    def generate(self, now=None, failing=False):
        """Let the scheduled action run; it fails for nobody unless told otherwise."""
        made = super().generate(*filter(None, [now]))
        if not failing:
            items = self.env["lead.invoice.run.buyer"]
            failed = items.search([("state", "=", "failed")])
            self.assertFalse(failed.mapped("message"))
        return made

    def agree(self, kind, partner=None, **vals):
        """Agree on a charge with the buyer, or with whom ``vals`` say."""
        if not vals.keys() & {"partner_id", "cycle_id"}:
            vals["partner_id"] = (partner or self.buyer).id
        steps = vals.pop("steps", [])
        return self.env["lead.billing.charge"].create(
            {
                "name": kind.capitalize(),
                "kind": kind,
                "product_id": self.charge_product.id,
                "date_from": "2026-11-01",
                "tier_ids": [
                    (0, 0, {"from_count": count, **step}) for count, step in steps
                ],
                **vals,
            }
        )

    def charges_on(self, moves):
        """Return (kind, amount as on an invoice) of the charge lines of documents."""
        return [
            (
                line.lead_charge_id.kind,
                line.price_subtotal * (-1 if move.move_type == "out_refund" else 1),
            )
            for move in moves
            for line in move.invoice_line_ids.sorted("sequence")
            if line.lead_charge_id
        ]
