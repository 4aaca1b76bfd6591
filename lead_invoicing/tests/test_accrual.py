from datetime import date, datetime

from freezegun import freeze_time

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from .common.decisions import CODE, DecisionsAtOnceCommon
from .common.month_close import DECEMBER, MonthCloseCommon


class AccrualCommon(MonthCloseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chief = new_test_user(
            cls.env,
            login="chief",
            groups="lead_invoicing.group_manager,account.group_account_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.journal = cls.env["account.journal"].search(
            [("company_id", "=", cls.company.id), ("type", "=", "general")], limit=1
        )
        cls.accrued = cls.env["account.account"].create(
            {"name": "Accrued", "code": "117777", "account_type": "asset_current"}
        )
        cls.company.lead_accrual_journal_id = cls.journal
        cls.company.lead_accrual_account_id = cls.accrued

    def accrue(self, month="2026-11", now=DECEMBER, user=None):
        """Close a month and accrue it; return the entry and its reversal."""
        close = self.close(month, now, user=user or self.chief)
        with freeze_time(now):
            close.action_accrue()
        return close.accrual_move_id, close.accrual_reversal_id

    def lines(self, move):
        """Return {(account, currency): (amount in it, balance)}."""
        return {
            (line.account_id, line.currency_id.name): (
                line.amount_currency,
                line.balance,
            )
            for line in move.line_ids
        }


@tagged("post_install", "-at_install")
class TestAccrual(AccrualCommon):
    """The entry that accrues the unbilled of a month, and reverses itself."""

    def test_the_unbilled_is_accrued_and_reversed_on_the_next_day(self):
        self.new_sale(price="10.00")
        self.new_sale(price="5.50")
        move, reversal = self.accrue()
        income = self.edu_product.product_tmpl_id.get_product_accounts()["income"]
        self.assertEqual(
            self.lines(move),
            {(self.accrued, "USD"): (15.5, 15.5), (income, "USD"): (-15.5, -15.5)},
        )
        self.assertEqual(
            self.lines(reversal),
            {(self.accrued, "USD"): (-15.5, -15.5), (income, "USD"): (15.5, 15.5)},
        )
        self.assertEqual((move.state, reversal.state), ("posted", "posted"))
        self.assertEqual(
            (move.date, reversal.date), (date(2026, 11, 30), date(2026, 12, 1))
        )
        self.assertEqual(reversal.reversed_entry_id, move)
        self.assertEqual(move.journal_id, self.journal)

    def test_it_is_no_document_of_leads(self):
        sale = self.new_sale()
        move, reversal = self.accrue()
        for entry in (move, reversal):
            self.assertEqual(entry.move_type, "entry")
            self.assertFalse(entry.lead_run_id)
            self.assertFalse(entry.lead_sale_ids)
            self.assertFalse(entry.line_ids.lead_type_id)
            self.assertFalse(entry.lead_delivery_state)
            self.assertFalse(entry.lead_outcome)
        self.assertEqual(sale.billing_state, "unbilled")
        self.assertEqual(self.buyer.lead_exposure, 10)
        findings = self.env["lead.invoice.run"].check_books()
        self.assertFalse({f["rule"] for f in findings} - {"cycle_overdue"})

    def test_a_reversal_in_the_future_waits_for_its_day(self):
        self.company.lead_tz = "Asia/Tokyo"
        self.chief.tz = "UTC"
        self.new_sale()
        move, reversal = self.accrue(now="2026-11-30 16:00:00")
        self.assertEqual((move.state, reversal.state), ("posted", "draft"))
        self.assertEqual(
            (reversal.auto_post, str(reversal.date)), ("at_date", "2026-12-01")
        )
        with self.assertRaisesRegex(UserError, "accrued already"):
            self.accrue()

    def test_every_currency_by_itself_at_the_rate_of_the_day(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        euro.rate_ids.unlink()
        euro.rate_ids.create(
            [
                {"currency_id": euro.id, "name": day, "rate": rate}
                for day, rate in (("2026-11-01", 0.5), ("2026-12-01", 0.8))
            ]
        )
        self.new_sale(price="10.00")
        self.new_sale(price="7.00", currency="EUR")
        move, reversal = self.accrue()
        lines = self.lines(move)
        self.assertEqual(lines[self.accrued, "USD"], (10, 10))
        self.assertEqual(lines[self.accrued, "EUR"], (7, 14))
        self.assertEqual(self.lines(reversal)[self.accrued, "EUR"], (-7, -14))
        for entry in (move, reversal):
            self.assertAlmostEqual(sum(entry.line_ids.mapped("balance")), 0)

    def test_prices_that_include_tax_are_accrued_before_tax(self):
        tax = self.env["account.tax"].create(
            {
                "name": "Included",
                "amount": 25,
                "type_tax_use": "sale",
                "price_include_override": "tax_included",
            }
        )
        self.edu_product.taxes_id = tax
        self.new_sale(price="10.00")
        self.new_sale(price="10.00", lead_type="AUTO")
        move, _reversal = self.accrue()
        self.assertEqual(self.lines(move)[self.accrued, "USD"], (18, 18))
        self.assertFalse(move.line_ids.tax_ids)

    def test_returns_that_outweigh_sales(self):
        self.cycle.posting = "post"
        sale = self.new_sale()
        self.generate()
        self.new_return(sale, at="2026-11-20T12:00:00Z")
        move, _reversal = self.accrue()
        self.assertEqual(self.lines(move)[self.accrued, "USD"], (-10, -10))

    def test_one_entry_of_a_month_until_it_is_taken_back(self):
        self.new_sale()
        move, reversal = self.accrue()
        with self.assertRaisesRegex(UserError, "accrued already"):
            self.accrue()
        # Its own reversal takes nothing back.
        move.button_cancel()
        with self.assertRaisesRegex(UserError, "accrued already"):
            self.accrue()
        reversal.button_cancel()
        self.new_sale(at="2026-11-21T12:00:00Z")
        again, _reversal = self.accrue()
        self.assertNotEqual(again, move)
        self.assertEqual(self.lines(again)[self.accrued, "USD"], (20, 20))
        self.assertEqual(self.env["lead.accrual"].search_count([]), 1)

    def test_reversed_by_hand_it_can_be_made_again(self):
        self.new_sale()
        for entry in self.accrue():
            with freeze_time(DECEMBER):
                entry._reverse_moves([{"date": entry.date}])._post()
        again, _reversal = self.accrue()
        self.assertEqual(again.state, "posted")

    def test_what_is_missing_is_said(self):
        with self.assertRaisesRegex(UserError, "Nothing was unbilled"):
            self.accrue()
        self.new_sale()
        with self.assertRaisesRegex(UserError, "not over yet"):
            self.accrue(now="2026-11-20 12:00:00")
        self.company.lead_accrual_account_id = False
        with self.assertRaisesRegex(
            UserError, "no journal or account for accrued revenue"
        ):
            self.accrue()

    def test_sample_leads_do_not_enter_the_books(self):
        self.new_sale()
        self.env["ir.model.data"].create(
            {
                "module": self.company._get_lead_sample_module(),
                "name": "lead_type",
                "model": "lead.type",
                "res_id": self.edu.id,
            }
        )
        with self.assertRaisesRegex(UserError, "has sample leads"):
            self.accrue()

    def test_what_was_shown_before_the_month_was_over_is_not_accrued(self):
        self.new_sale()
        close = self.close(now="2026-11-30 23:59:00", user=self.chief)
        with freeze_time(DECEMBER):
            close.invalidate_recordset()
            self.assertFalse(close.is_over)
            with self.assertRaisesRegex(UserError, "not over yet when"):
                close.action_accrue()
            close.action_show()
            self.assertTrue(close.is_over)
            close.action_accrue()
        self.assertTrue(close.is_accrued)

    def test_what_was_shown_of_another_month_is_not_accrued(self):
        self.new_sale()
        close = self.close(user=self.chief)
        with freeze_time(DECEMBER):
            close.month = "2026-10"
            with self.assertRaisesRegex(UserError, "click Show"):
                close.action_accrue()

    def test_a_lead_type_without_income_account(self):
        self.new_sale()
        self.edu_product.property_account_income_id = False
        self.edu_product.categ_id = False
        self.company.income_account_id = False
        with self.assertRaisesRegex(UserError, "no income account"):
            self.accrue()

    def test_locked_books(self):
        self.new_sale()
        for day in ("2026-11-30", "2026-12-01"):
            self.company.fiscalyear_lock_date = day
            with self.assertRaisesRegex(UserError, "locked through"):
                self.accrue()
        self.company.fiscalyear_lock_date = "2026-11-29"
        self.assertEqual(self.accrue()[0].state, "posted")

    def test_who_may_accrue(self):
        self.new_sale()
        for user in (self.billing_user, self.manager):
            with self.assertRaisesRegex(AccessError, "Only administrators"):
                self.accrue(user=user)
        self.assertFalse(self.close(user=self.manager).may_accrue)
        self.assertTrue(self.close(user=self.chief).may_accrue)
        self.accrue()
        accrual = self.env["lead.accrual"].search([])
        for user in (self.billing_user, self.chief):
            with self.assertRaises(AccessError):
                accrual.with_user(user).move_id = False
        # Whoever sees the close sees that it was accrued.
        self.assertTrue(self.close().is_accrued)

    def test_another_company_accrues_its_own(self):
        self.new_sale()
        self.accrue()
        other = self._create_company(name="Other House")
        found = self.env["lead.accrual"].with_context(allowed_company_ids=other.ids)
        self.assertEqual(found.sudo(False).search_count([]), 0)


@tagged("post_install", "-at_install")
class TestAccrualAtOnce(DecisionsAtOnceCommon):
    """Two clicks at one moment make one entry."""

    def remove(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            accruals = env["lead.accrual"].search([("month", "=", "2001-02-01")])
            moves = accruals.move_id + accruals.reversal_id
            accruals.unlink()
            # Posted entries are not for deleting, but for their rows.
            for model, column in (("mail_message", "model"), ("account_move", None)):
                cr.execute(
                    SQL(
                        "DELETE FROM %s WHERE %s = ANY(%s) AND %s",
                        SQL.identifier(model),
                        SQL.identifier("res_id" if column else "id"),
                        moves.ids,
                        SQL("model = 'account.move'") if column else SQL("TRUE"),
                    )
                )
            env.company.lead_accrual_journal_id = False
            env.company.lead_accrual_account_id = False
            env["account.journal"].search([("code", "=", CODE[:5])]).unlink()
            env["account.account"].search([("name", "=", CODE)]).unlink()
        return super().remove()

    def prepare(self, env):
        """Choose where to accrue."""
        env.company.lead_accrual_journal_id = env["account.journal"].create(
            {"name": CODE, "code": CODE[:5], "type": "general"}
        )
        env.company.lead_accrual_account_id = env["account.account"].create(
            {"name": CODE, "code": "117778", "account_type": "asset_current"}
        )

    def accrue(self, env):
        key = (
            env["res.partner"].search([("ref", "=", CODE)]),
            env["lead.type"].search([("code", "=", CODE)]),
            env.company.currency_id,
        )
        try:
            env["lead.accrual"]._accrue(
                date(2001, 2, 28), {key: 10.0}, datetime(2001, 3, 2)
            )
        except UserError as error:
            return str(error)
        return None

    def count(self, env):
        accruals = env["lead.accrual"].search([("month", "=", "2001-02-01")])
        ref = accruals.move_id.ref
        return len(accruals), env["account.move"].search_count([("ref", "=", ref)])

    def test_two_clicks_make_one_entry(self):
        self.build()
        self.in_turn(self.prepare)
        self.assertRegex(self.at_once(self.accrue, self.accrue), "accrued already")
        self.assertEqual(self.in_turn(self.count), (1, 1))
