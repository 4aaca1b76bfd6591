from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from itertools import count

from freezegun import freeze_time
from freezegun.api import FakeDatetime

from odoo.tests import tagged

from .world import LeadInvoicingCommon

# A Monday; windows of the weekly cycle are Monday to Sunday, in New York.
MONDAY = datetime(2026, 11, 2, 5)  # 00:00 in New York, as naive UTC
WEEK = timedelta(days=7)
GENERATION = datetime(2026, 11, 9, 11)  # the Monday after, 06:00 in New York


@tagged("post_install", "-at_install", "clock")
class GenerationCommon(LeadInvoicingCommon):
    """The same world with a weekly cycle, short ways to record transactions, and ways
    to run the real scheduled action and to look at what it made.

    After each test that let the scheduled action run, the books are checked; a test
    that breaks them on purpose says which rules do not hold.
    """

    # Names of rules of Check the Books.
    broken_rules = ()
    # When the scheduled action ran last.
    generated_at = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with freeze_time("2026-11-03 12:00"):
            cls.cycle = cls.env["lead.billing.cycle"].create(
                {
                    "name": "Weekly",
                    "tz": "America/New_York",
                    "anchor_date": "2026-11-02",
                    "posting": "post",
                }
            )
        cls.cron = cls.env.ref("lead_invoicing.ir_cron_generate_invoices")
        cls.numbers = count(1)
        cls.buyer = cls.new_buyer("Buyer A")

    @classmethod
    def new_buyer(cls, name, **vals):
        """Create a buyer, billed by the weekly cycle unless told otherwise."""
        return cls.env["res.partner"].create(
            {
                "name": name,
                "ref": f"ref {name}",
                "is_company": True,
                "email": f"{name.replace(' ', '').lower()}@example.com",
                "lead_billing_cycle_id": cls.cycle.id,
                **vals,
            }
        )

    def new_sale(self, buyer=None, price="10.00", at="2026-11-04T12:00:00Z", **vals):
        """Record one transaction as the platform does, and return it.

        It is recorded when it happened, or at the later moment that a test has frozen.
        """
        row = {
            "external_ref": f"T{next(self.numbers)}",
            "type": "sale",
            "occurred_at": at,
            "buyer_ref": (buyer or self.buyer).ref,
            "lead_type": "EDU",
            "price": price,
            **vals,
        }
        happened = datetime.fromisoformat(at.replace("Z", "+00:00"))
        happened = happened.astimezone(timezone.utc).replace(tzinfo=None)
        now = datetime.now()
        # To freezegun, any moment is an instance of its class.
        is_frozen_later = type(now) is FakeDatetime and now > happened
        with nullcontext() if is_frozen_later else freeze_time(happened):
            (answer,) = self.env["lead.sale"].record_transactions([row])
        self.assertEqual(answer["status"], "created", answer["message"])
        return self.env["lead.sale"].browse(answer["id"])

    def new_return(self, sale, price=None, at="2026-11-05T12:00:00Z", **vals):
        """Record a return of a sale, by default of its whole price."""
        return self.new_sale(
            sale.partner_id,
            str(sale.price if price is None else price),
            at,
            type="return",
            origin_external_ref=sale.external_ref,
            lead_type=sale.lead_type_id.code,
            currency=sale.currency_id.name,
            **vals,
        )

    def tearDown(self):
        if self.generated_at:
            self.assert_books_hold()
        super().tearDown()

    def assert_books_hold(self):
        """What always holds does, as far as this test does not break it on purpose, or
        tell of what people did."""
        told = {"edited", "draft_without_transactions", *self.broken_rules}
        # Tests move cycles into the past, and leave it at that.
        told.add("cycle_overdue")
        companies = self.env["res.company"].sudo().search([])
        books = self.env["lead.invoice.run"].sudo()
        with freeze_time(self.generated_at):
            findings = books.with_context(
                allowed_company_ids=companies.ids
            ).check_books()
        wrong = [finding for finding in findings if finding["rule"] not in told]
        self.assertFalse(wrong)

    def generate(self, now=GENERATION):
        """Let the scheduled action run at a moment (naive UTC).

        :return: the documents it made, in the order of their making
        """
        self.generated_at = now
        moves = self.env["account.move"]
        before = moves.search([("lead_run_id", "!=", False)])
        with (
            freeze_time(now),
            self.enter_registry_test_mode(),
            # The scheduled action itself never fails, whatever happens to a buyer.
            self.assertNoLogs("odoo.addons.base.models.ir_cron", "ERROR"),
        ):
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        made = moves.search([("lead_run_id", "!=", False)], order="id")
        return made - before

    def assert_ties_out(self, moves):
        """The lead lines of each document are the sum of its transactions."""
        for move in moves:
            signed = sum(
                line.quantity * line.price_unit * (1 - line.discount / 100)
                for line in move.invoice_line_ids.filtered("lead_type_id")
            )
            signed *= -1 if move.move_type == "out_refund" else 1
            self.assertAlmostEqual(signed, sum(move.lead_sale_ids.mapped("amount")), 2)
            self.assertEqual(move.lead_amount_difference, 0)

    def lines_of(self, move):
        """Return (label, quantity, unit price, leads) of the lines of a document."""
        return [
            (line.name, line.quantity, line.price_unit, line.lead_count)
            for line in move.invoice_line_ids.sorted("sequence")
        ]
