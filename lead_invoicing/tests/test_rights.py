from itertools import product

from odoo import Command
from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.tests import Form, new_test_user

from .common.rights import RightsCommon

# Who may do what with a record of the seller's company: read, write, create, unlink.
# The buyer's portal user and the other buyer's look at a transaction of that buyer.
RIGHTS = """
                         clerk manager api   plain books buyer other abroad anyone
lead.sale                r     rwcu    c     -     -     -     -     c      -
lead.type                r     rwcu    -     -     -     -     -     c      -
lead.return.reason       r     rwcu    -     -     -     -     -     c      -
lead.buyer.ref           r     rwcu    -     -     -     -     -     c      -
lead.billing.cycle       r     rwcu    -     -     -     -     -     c      -
lead.invoice.run         r     r       -     -     -     -     -     -      -
lead.invoice.run.buyer   r     r       -     -     -     -     -     -      -
lead.invoice.run.fix     c     c       -     -     -     -     -     c      -
lead.delivery.attempt    -     -       -     -     -     -     -     -      -
lead.sale.release        r     r       -     -     -     -     -     -      -
lead.sale.release.wizard -     c       -     -     -     -     -     c      -
lead.invoice.wizard      c     c       -     -     -     -     -     c      -
lead.invoice.wizard.line c     c       -     -     -     -     -     c      -
lead.control.totals      c     c       -     -     -     -     -     c      -
lead.control.totals.line c     c       -     -     -     -     -     c      -
lead.control.totals.sum  c     c       -     -     -     -     -     c      -
lead.screen              -     -       -     -     -     -     -     -      -
lead.month.close         c     c       -     -     -     -     -     c      -
lead.month.close.total   c     c       -     -     -     -     -     c      -
lead.month.close.line    c     c       -     -     -     -     -     c      -
lead.sale.past.billing   r     r       -     -     -     -     -     -      -
lead.sale.waiver         r     r       -     -     -     -     -     -      -
lead.sale.waive.wizard   -     c       -     -     -     -     -     c      -
lead.unbilled            r     r       -     -     -     -     -     -      -
lead.unbilled.as.at      r     r       -     -     -     -     -     -      -
lead.unbilled.as.at.wizard c   c       -     -     -     -     -     c      -
lead.unbilled.as.at.wizard.line c c    -     -     -     -     -     c      -
lead.setup               c     c       -     -     -     -     -     c      -
lead.invoicing.report    -     -       -     -     -     -     -     -      -
lead.erasure             -     r       -     -     -     -     -     -      -
lead.erasure.wizard      -     c       -     -     -     -     -     c      -
lead.invoicing.report.wizard c c       -     -     -     -     -     c      -
lead.invoicing.report.column c c       -     -     -     -     -     c      -
lead.books.finding       -     c       -     -     -     -     -     c      -
lead.dispute             rwc   rwc     -     -     -     -     -     c      -
lead.dispute.row         r     r       -     -     -     -     -     -      -
lead.reminder            r     r       -     -     -     -     -     -      -
lead.account.closing     r     r       -     -     -     -     -     -      -
lead.account.closing.wizard c  c       -     -     -     -     -     c      -
lead.statement           r     r       -     -     -     -     -     -      -
lead.statement.taken.back r    r       -     -     -     -     -     -      -
lead.statement.wizard    c     c       -     -     -     -     -     c      -
lead.account.statement   -     -       -     -     -     -     -     -      -
lead.balance.level       r     r       -     -     -     -     -     -      -
lead.overview.card       r     r       -     -     -     -     -     r      -
lead.buyer.home          -     -       -     -     -     -     -     -      -
lead.billing.charge      r     rwcu    -     -     -     -     -     c      -
lead.billing.charge.tier r     rwcu    -     -     -     -     -     c      -
lead.billed.charge       r     r       -     -     -     -     -     -      -
lead.billed.charge.share r     r       -     -     -     -     -     -      -
lead.accrual             r     r       -     -     -     -     -     -      -
lead.top.up              rwc   rwc     -     -     -     -     -     c      -
"""
OPERATIONS = {"r": "read", "w": "write", "c": "create", "u": "unlink"}

SCREEN_METHODS = {"action_open_default", "action_pdf", "action_show", "action_xlsx"}

# All that can be called from outside, beside what every Odoo model has. Whatever is
# added here needs a test of who may call it.
PUBLIC_METHODS = {
    "lead.sale": {
        "check_transactions",
        "record_transactions",
        "action_erase_lead_data",
        "action_unwaive",
        "action_waive",
        "control_totals",
    },
    "lead.type": set(),
    "lead.return.reason": set(),
    "lead.buyer.ref": set(),
    "lead.billing.cycle": set(),
    # The steps of the workbench: see test_run_workbench.
    "lead.invoice.run": {
        "action_go_on",
        "action_post",
        "action_post_and_send",
        "action_resend",
        "action_retry",
        "action_review",
        "action_stop",
        "action_view_buyers",
        "action_view_drafts",
        "action_view_failures",
        "action_view_invoices",
        "action_view_left_out",
        "action_view_not_sent",
        "action_view_posted",
        "action_view_purchased",
        "action_view_returned",
        "action_view_waiting",
        "check_books",
    },
    "lead.invoice.run.fix": {"action_save", "action_view_partner"},
    "lead.invoice.run.buyer": {
        "action_approve",
        "action_fix",
        "action_post",
        "action_post_and_send",
        "action_resend",
        "action_retry",
        "action_review",
        "action_view_invoices",
        "action_view_partner",
    },
    "lead.delivery.attempt": set(),
    "lead.sale.release": set(),
    "lead.sale.release.wizard": {"action_release"},
    "lead.invoice.wizard": {"action_invoice", "action_preview"},
    "lead.invoice.wizard.line": set(),
    "lead.screen": SCREEN_METHODS,
    "lead.control.totals": SCREEN_METHODS,
    "lead.control.totals.line": {"action_view_sales"},
    "lead.control.totals.sum": {"action_view_sales"},
    "lead.accrual": set(),
    "lead.month.close": {
        *SCREEN_METHODS,
        "action_accrue",
        "action_view_by_buyer",
        "action_view_by_lead_type",
        "action_view_days",
        "action_view_differences",
    },
    "lead.month.close.line": {
        "action_open",
        "action_view_previous_sales",
        "action_view_sales",
    },
    "lead.month.close.total": {"action_view_previous_sales", "action_view_sales"},
    "lead.sale.past.billing": set(),
    "lead.sale.waiver": set(),
    "lead.sale.waive.wizard": {"action_confirm"},
    "lead.unbilled": {"action_view_sales"},
    "lead.unbilled.as.at": {"action_view_sales"},
    "lead.unbilled.as.at.wizard": {*SCREEN_METHODS, "action_view"},
    "lead.unbilled.as.at.wizard.line": {"action_view_sales"},
    "lead.setup": {
        "action_add_buyer",
        "action_choose_cycle",
        "action_choose_team",
        "action_confirm_zone",
        "action_create_api_key",
        "action_create_cycle",
        "action_create_lead_type",
        "action_download_buyers",
        "action_download_leads",
        "action_edit_company",
        "action_enter_sale",
        "action_hide",
        "action_invite",
        "action_invoice",
        "action_open_step",
        "action_remove_sample",
        "action_test_mail",
        "action_try_sample",
        "action_view_invoice",
        "action_view_sample",
    },
    "lead.invoicing.report": set(),
    "lead.erasure": set(),
    "lead.erasure.wizard": {"action_erase", "action_search", "action_search_on"},
    "lead.invoicing.report.wizard": {
        "action_csv",
        "action_next",
        "action_pdf",
        "action_plain_csv",
        "action_previous",
        "action_view_lead_sales",
        "action_xlsx",
    },
    "lead.invoicing.report.column": set(),
    "lead.books.finding": {"action_check", "action_view_records"},
    "lead.dispute": {
        "action_accept",
        "action_reject",
        "action_reopen",
        "action_view_returns",
        "action_withdraw",
    },
    "lead.dispute.row": set(),
    "lead.reminder": set(),
    "lead.account.closing": {"action_reopen", "action_view_payments"},
    "lead.account.closing.wizard": {"action_close"},
    "lead.statement": set(),
    "lead.statement.taken.back": set(),
    "lead.statement.wizard": {"action_pdf", "action_xlsx"},
    "lead.account.statement": set(),
    "lead.balance.level": {"action_view_buyer"},
    "lead.overview.card": {"action_open", "action_open_money"},
    "lead.buyer.home": set(),
    "lead.billing.charge": set(),
    "lead.billing.charge.tier": set(),
    "lead.billed.charge": set(),
    "lead.billed.charge.share": set(),
    "lead.top.up": {"action_cancel", "action_print"},
    "account.move": {
        "action_lead_approve",
        "action_lead_dispute",
        "action_lead_resend",
        "action_lead_view_doubtful",
        "action_view_lead_disputes",
        "action_lead_post",
        "action_lead_post_and_send",
        "action_open_lead_report",
        "action_view_lead_sales",
    },
    "account.move.line": set(),
    "account.move.reversal": set(),
    "account.move.send": set(),
    "res.company": set(),
    "res.partner": {
        "action_close_account",
        "action_reopen_account",
        "action_request_lead_top_up",
        "action_open_lead_report",
        "action_open_lead_statement",
        "lead_buying_power",
        "action_view_lead_invoices",
        "action_view_lead_sales",
        "action_view_unbilled_lead_sales",
    },
    "res.users.settings": set(),
    "ir.actions.report": set(),
}


class TestRights(RightsCommon):
    # Records are made here past all that makes them.
    broken_rules = ("transaction_outside_run", "released_but_billed")

    def test_who_may_do_what(self):
        self.bill()
        users = {
            "clerk": self.billing_user,
            "manager": self.manager,
            "api": self.integrator,
            "plain": self.plain_user,
            "books": self.accountant,
            "buyer": self.portal_user,
            "other": self.other_portal_user,
            "abroad": self.stranger,
            "anyone": self.public_user,
        }
        records = {
            "lead.sale": self.sale,
            "lead.type": self.edu,
            "lead.return.reason": self.env["lead.return.reason"].create(
                {"name": "x", "code": "x"}
            ),
            "lead.buyer.ref": self.env["lead.buyer.ref"].create(
                {"ref": "X", "partner_id": self.buyer.id}
            ),
            "lead.billing.cycle": self.cycle,
            "lead.invoice.run": self.run,
            "lead.invoice.run.buyer": self.failure,
            "lead.invoice.run.fix": self.env["lead.invoice.run.fix"].create(
                {"item_id": self.failure.id}
            ),
            "lead.delivery.attempt": self.env["lead.delivery.attempt"]
            .sudo()
            .create({"move_id": self.document.id}),
            "lead.sale.release": self.make_release(),
            "lead.sale.release.wizard": self.env["lead.sale.release.wizard"].create(
                {"invoice_ids": self.document.ids, "reason": "x"}
            ),
            "lead.invoice.wizard": (by_hand := self.env["lead.invoice.wizard"]).create(
                {}
            ),
            "lead.invoice.wizard.line": by_hand.line_ids.create(
                {"wizard_id": by_hand.create({}).id}
            ),
            "lead.control.totals": (totals := self.env["lead.control.totals"]).create(
                {}
            ),
            "lead.control.totals.line": totals.line_ids.create(
                {"wizard_id": totals.create({}).id}
            ),
            "lead.control.totals.sum": totals.sum_ids.create(
                {"wizard_id": totals.create({}).id}
            ),
            "lead.screen": self.env["lead.screen"],
            "lead.month.close": (close := self.env["lead.month.close"]).create({}),
            "lead.month.close.total": close.total_ids.create(
                {"close_id": close.create({}).id}
            ),
            "lead.month.close.line": close.line_ids.create(
                {"close_id": close.create({}).id}
            ),
            "lead.sale.past.billing": self.make_past_billing(),
            "lead.sale.waiver": self.make_waiver(),
            "lead.sale.waive.wizard": self.env["lead.sale.waive.wizard"].create(
                {"sale_ids": self.other_sale.ids, "reason": "x"}
            ),
            "lead.unbilled": self.env["lead.unbilled"].search([], limit=1),
            "lead.unbilled.as.at": self.env["lead.unbilled.as.at"].search([], limit=1),
            "lead.unbilled.as.at.wizard": self.env["lead.unbilled.as.at.wizard"].create(
                {}
            ),
            "lead.unbilled.as.at.wizard.line": self.env[
                "lead.unbilled.as.at.wizard.line"
            ].create(
                {"wizard_id": self.env["lead.unbilled.as.at.wizard"].create({}).id}
            ),
            "lead.accrual": self.env["lead.accrual"]
            .sudo()
            .create({"company_id": self.company.id, "month": "2026-11-01"}),
            "lead.setup": self.env["lead.setup"].create({}),
            "lead.invoicing.report": self.env["lead.invoicing.report"],
            "lead.erasure": self.env["lead.erasure"]._erase_on_request(self.sale, "x"),
            "lead.erasure.wizard": self.env["lead.erasure.wizard"].create({}),
            "lead.invoicing.report.wizard": (
                report := self.env["lead.invoicing.report.wizard"].create(
                    {"partner_id": self.buyer.id}
                )
            ),
            "lead.invoicing.report.column": report.column_ids[:1],
            "lead.books.finding": self.env["lead.books.finding"].create({}),
            "lead.dispute": (dispute := self.make_dispute()),
            "lead.dispute.row": dispute.row_ids,
            "lead.reminder": self.make_reminder(),
            "lead.top.up": self.make_top_up(),
            "lead.account.closing": self.buyer._close_lead_account(None, None),
            "lead.account.closing.wizard": self.env[
                "lead.account.closing.wizard"
            ].create(
                {
                    "partner_id": self.buyer.id,
                    "company_id": self.company.id,
                    "billing_id": by_hand.create({}).id,
                }
            ),
            "lead.statement": (statement := self.make_statement()),
            "lead.statement.taken.back": self.make_taken_back(statement),
            "lead.statement.wizard": self.env["lead.statement.wizard"].create(
                {"partner_id": self.buyer.id}
            ),
            "lead.account.statement": self.env["lead.account.statement"],
            "lead.overview.card": self.env.ref("lead_invoicing.overview_card_failed"),
            "lead.buyer.home": self.env["lead.buyer.home"],
            "lead.balance.level": self.env["lead.balance.level"]
            .sudo()
            .create(
                {
                    "partner_id": self.buyer.id,
                    "company_id": self.company.id,
                    "level": "low",
                }
            ),
            "lead.billing.charge": (charge := self.make_charge()),
            "lead.billing.charge.tier": charge.tier_ids,
            "lead.billed.charge": (billed := self.make_billed_charge(charge)),
            "lead.billed.charge.share": self.env["lead.billed.charge.share"]
            .sudo()
            .create({"billed_id": billed.id, "sale_id": self.sale.id}),
        }
        header, *lines = RIGHTS.strip("\n").splitlines()
        self.assertEqual(header.split(), list(users))
        for line in lines:
            model, *expected = line.split()
            for name, letters in zip(users, expected, strict=True):
                record = records[model].with_user(users[name])
                found = "".join(
                    letter
                    for letter, operation in OPERATIONS.items()
                    if (record.browse() if letter == "c" else record).has_access(
                        operation
                    )
                )
                with self.subTest(model=model, user=name):
                    self.assertEqual(found or "-", letters)

    def test_every_model_of_the_addon_has_a_row_in_the_table(self):
        models = self.env["ir.model"].search([("model", "=like", "lead.%")])
        ours = [
            model.model
            for model in models
            if "lead_invoicing" in (model.modules or "").split(", ")
        ]
        rows = {line.split()[0] for line in RIGHTS.strip().splitlines()[1:]}
        self.assertEqual(set(ours), rows)

    def make_dispute(self):
        return self.env["lead.dispute"].create(
            {
                "move_id": self.document.id,
                "sale_ids": [Command.set(self.sale.ids)],
                "reason": "x",
            }
        )

    def make_charge(self):
        return self.env["lead.billing.charge"].create(
            {
                "name": "x",
                "kind": "tier",
                "partner_id": self.buyer.id,
                "product_id": self.edu_product.id,
                "lead_type_id": self.edu.id,
                "tier_ids": [Command.create({"from_count": 1, "price": 1})],
            }
        )

    def make_billed_charge(self, charge):
        return (
            self.env["lead.billed.charge"]
            .sudo()
            .create(
                {
                    "charge_id": charge.id,
                    "company_id": self.company.id,
                    "partner_id": self.buyer.id,
                    "buyer_number": self.buyer.id,
                    "period_start": "2026-11-01",
                    "period_end": "2026-12-01",
                    "part": 0,
                }
            )
        )

    def make_reminder(self):
        reminders = self.env["lead.reminder"].sudo()
        vals = {"due_date": "2026-11-01", "day": "2026-11-05", "level": 1}
        return reminders.create({"move_id": self.document.id, **vals})

    def make_statement(self):
        statements = self.env["lead.statement"].sudo()
        return statements.create(
            {
                "partner_id": self.buyer.id,
                "company_id": self.company.id,
                "currency_id": self.document.currency_id.id,
                "document": "x",
            }
        )

    def make_taken_back(self, statement):
        return (
            self.env["lead.statement.taken.back"]
            .sudo()
            .create(
                {
                    "statement_id": statement.id,
                    "partner_id": self.buyer.id,
                    "company_id": self.company.id,
                    "currency_id": statement.currency_id.id,
                    "document": "x",
                    "amount": 1,
                }
            )
        )

    def make_top_up(self):
        self.buyer.lead_billing_mode = "prepaid"
        return self.env["lead.top.up"].create(
            {"partner_id": self.buyer.id, "amount": 100}
        )

    def make_waiver(self):
        sale = self.new_sale()
        sale._waive("x")
        return sale.waiver_ids

    def make_past_billing(self):
        self.env["lead.sale.past.billing"]._log(self.lead_line)
        return self.sale.past_billing_ids

    def make_release(self):
        sale = self.new_sale()
        self.invoice(sale)
        self.env["lead.sale.release"]._log(sale.invoice_id, "x")
        return self.env["lead.sale.release"].search([("sale_id", "=", sale.id)])

    def test_methods_that_can_be_called_from_outside(self):
        for name, expected in PUBLIC_METHODS.items():
            model = self.env[name]
            public = set()
            # What Odoo defines itself, and the addon extends, Odoo's own access covers.
            core = set()
            for cls in type(model).mro():
                ours = cls.__module__.startswith("odoo.addons.lead_invoicing.")
                methods = {key for key in vars(cls) if callable(vars(cls)[key])}
                if not ours:
                    core |= methods
                    continue
                for method in methods:
                    try:
                        get_public_method(model, method)
                    except AccessError:
                        continue
                    public.add(method)
            with self.subTest(model=name):
                self.assertEqual(public - core, expected)


class TestIntegratorRights(RightsCommon):
    """The platform's user records transactions over the API, and nothing else."""

    def test_records(self):
        (answer,) = self.record(
            self.sale_vals("P1", buyer_ref=self.buyer.ref), user=self.integrator
        )
        self.assertEqual(answer["status"], "created", answer["message"])

    def test_cannot_look_at_anything(self):
        self.bill()
        for record in (self.sale, self.edu, self.cycle, self.run, self.document):
            as_integrator = record.with_user(self.integrator)
            with self.subTest(model=record._name):
                self.assert_refused(as_integrator.read, ["display_name"])
                self.assert_refused(as_integrator.search, [])
                self.assert_refused(as_integrator.export_data, ["display_name"])

    def test_cannot_bill_waive_or_change(self):
        self.bill()
        sale = self.other_sale.with_user(self.integrator)
        self.assert_refused(sale.write, {"reason": "x"})
        self.assert_refused(sale.write, {"waived": True})
        self.assert_refused(sale.action_waive)
        self.assert_refused(sale.unlink)
        self.assert_refused(self.failure.with_user(self.integrator).action_retry)
        self.assert_refused(self.run.with_user(self.integrator).action_retry)
        self.assert_refused(self.cycle.with_user(self.integrator).write, {"name": "x"})

    def test_cannot_add_lead_data_fields_on_the_way(self):
        added = {
            "name": "shoe_size",
            "string": "Shoe Size",
            "type": "integer",
            "value": 40,
            "definition_changed": True,
        }
        self.assert_refused(
            self.env["lead.sale"].with_user(self.integrator).create,
            {
                "external_ref": "P1",
                "partner_id": self.buyer.id,
                "lead_type_id": self.edu.id,
                "price": 1,
                "lead_data": [added],
            },
        )


class TestEngineFields(RightsCommon):
    """What Lead Invoicing decides itself, nobody writes: not over RPC either."""

    def test_of_a_transaction(self):
        self.bill()
        values = {
            "amount": 1,
            "commercial_partner_id": self.other_buyer.id,
            "invoice_line_id": False,
            "price_adjustment": True,
            "return_number": 3,
            "row_hash": "x",
            "waived": True,
        }
        for (name, value), sale in product(
            values.items(), (self.sale, self.other_sale)
        ):
            with self.subTest(field=name):
                self.assert_refused(sale.with_user(self.manager).write, {name: value})
                self.assert_refused(
                    sale.with_user(self.manager).web_save, {name: value}, {}
                )

    def test_of_a_new_transaction(self):
        self.bill()
        vals = {
            "external_ref": "M1",
            "partner_id": self.buyer.id,
            "lead_type_id": self.edu.id,
            "price": 1,
        }
        ledger = self.env["lead.sale"].with_user(self.manager)
        for name, value in (
            ("waived", True),
            ("invoice_line_id", self.lead_line.id),
            ("amount", 5),
        ):
            with self.subTest(field=name):
                self.assert_refused(ledger.create, {**vals, name: value})
                in_context = ledger.with_context(**{f"default_{name}": value})
                sale = in_context.create({**vals, "external_ref": f"M {name}"})
                self.assertFalse(sale.waived)
                self.assertFalse(sale.invoice_line_id)
                self.assertEqual(sale.amount, 1)

    def test_of_runs(self):
        self.bill()
        for user in (self.billing_user, self.manager):
            for record, vals in (
                (self.run, {"state": "done"}),
                (self.run, {"posting": "draft"}),
                (self.failure, {"state": "done"}),
                (self.failure, {"message": "fine"}),
            ):
                self.assert_refused(record.with_user(user).write, vals)
            self.assert_refused(
                self.env["lead.invoice.run"].with_user(user).create,
                {"company_id": self.company.id},
            )
            self.assert_refused(self.failure.with_user(user).unlink)

    def test_of_a_document(self):
        self.bill()
        document = self.document.with_user(self.billing_user)
        for name, value in (
            ("lead_run_id", False),
            ("lead_run_buyer_id", self.failure.id),
            ("lead_window_start", "2020-01-01 00:00:00"),
            ("lead_window_end", "2020-01-01 00:00:00"),
            ("lead_replaces_id", document.id),
            ("lead_credited", True),
            ("lead_delivery_state", "sent"),
        ):
            with self.subTest(field=name):
                self.assert_refused(document.write, {name: value})
        for name, value in (
            ("lead_type_id", False),
            ("lead_transaction_type", "return"),
            ("lead_count", 99),
        ):
            with self.subTest(field=name):
                line = document.invoice_line_ids
                self.assert_refused(line.write, {name: value})
                self.assert_refused(
                    document.write,
                    {"invoice_line_ids": [Command.update(line.id, {name: value})]},
                )

    def test_released_transactions_are_kept(self):
        self.bill()
        self.reverse(self.accountant).action_post()
        self.env["lead.sale.release.wizard"].with_user(self.manager).create(
            {"invoice_ids": self.document.ids, "reason": "Agreed"}
        ).action_release()
        release = self.env["lead.sale.release"].search([])
        self.assertEqual(release.sale_id, self.sale)
        self.assertEqual(release.create_uid, self.manager)
        for user in (self.billing_user, self.manager):
            self.assert_refused(release.with_user(user).write, {"reason": "x"})
            self.assert_refused(release.with_user(user).unlink)
            self.assert_refused(release.with_user(user).create, {"reason": "x"})

    def test_only_a_manager_releases(self):
        self.bill()
        self.reverse(self.accountant).action_post()
        wizard = self.env["lead.sale.release.wizard"].with_user(self.billing_user)
        self.assert_refused(
            wizard.create, {"invoice_ids": self.document.ids, "reason": "x"}
        )

    def test_a_clerk_retries(self):
        self.bill()
        self.receivable.active = True
        self.failure.with_user(self.billing_user).action_retry()
        self.assertEqual(self.failure.state, "todo")
        self.assertEqual(self.generate().partner_id, self.other_buyer)


class TestAccountingRights(RightsCommon):
    """Who has Odoo's billing rights, and none of Lead Invoicing, works on lead
    documents as on any other."""

    def test_opens_a_document(self):
        self.bill()
        with Form(self.document.with_user(self.accountant)) as form:
            form.ref = "PO 7"
        self.assertEqual(self.document.ref, "PO 7")
        action = self.document.with_user(self.accountant)
        self.assert_refused(action.action_view_lead_sales)

    def test_lists_and_searches_documents(self):
        self.bill()
        moves = self.env["account.move"].with_user(self.accountant)
        views = moves.get_views([(False, "list"), (False, "search"), (False, "kanban")])
        names = views["models"]["account.move"]["fields"]
        self.assertIn(self.document, moves.search([("lead_run_id", "!=", False)]))
        readable = [name for name in names if moves._fields[name].store]
        self.assertTrue(self.document.with_user(self.accountant).read(readable))

    def test_reads_all_fields_it_is_offered(self):
        self.bill()
        for record in (self.document, self.lead_line, self.buyer):
            with self.subTest(model=record._name):
                self.read_ours(record.with_user(self.accountant))

    def test_posts_and_cancels_a_draft(self):
        self.cycle.posting = "draft"
        self.bill()
        document = self.document.with_user(self.accountant)
        document.action_post()
        self.assertEqual(self.sale.billing_state, "invoiced")
        document.button_cancel()
        self.env.invalidate_all()
        self.assertEqual(self.sale.billing_state, "unbilled")

    def test_deletes_a_draft(self):
        self.cycle.posting = "draft"
        self.bill()
        self.document.with_user(self.accountant).unlink()
        self.env.invalidate_all()
        self.assertEqual(self.sale.billing_state, "unbilled")

    def test_reverses(self):
        self.bill()
        waiting = self.new_return(self.sale, at="2026-11-10T12:00:00Z")
        self.reverse(self.accountant).action_post()
        self.assertEqual(self.sale.billing_state, "credited")
        self.assertTrue(waiting.waived)

    def test_reverses_and_invoices_again(self):
        self.bill()
        again = self.reverse(self.accountant, modify=True)
        self.env.invalidate_all()
        self.assertEqual(self.sale.invoice_id, again)
        self.assertEqual(self.sale.billing_state, "draft")
        again.action_post()
        self.assertEqual(again.sudo().lead_run_id, self.run)
        self.assertEqual(self.sale.billing_state, "invoiced")

    def test_registers_a_payment(self):
        self.bill()
        self.env["account.payment.register"].with_user(self.accountant).with_context(
            active_model="account.move", active_ids=self.document.ids
        ).create({}).action_create_payments()
        self.assertIn(self.document.payment_state, ("paid", "in_payment"))

    def test_sends(self):
        self.bill()
        wizard = (
            self.env["account.move.send.wizard"]
            .with_user(self.accountant)
            .with_context(active_model="account.move", active_ids=self.document.ids)
            .create({})
        )
        wizard.sending_methods = ["email"]
        wizard.action_send_and_print()
        self.assertTrue(self.document.is_move_sent)
        mail = self.document.message_ids.filtered("partner_ids")
        self.assertEqual(mail.partner_ids, self.buyer)

    def test_is_told_of_a_document_without_an_address(self):
        self.buyer.email = False
        self.bill()
        document = self.document.with_user(self.accountant)
        document._queue_lead_sending()
        self.assertEqual(document.lead_delivery_state, "to_send")
        with self.enter_registry_test_mode():
            self.env.ref("account.ir_cron_account_move_send").method_direct_trigger()
        self.assertEqual(document.lead_delivery_state, "no_address")
        self.assertTrue(document.activity_ids)


class TestContactRights(RightsCommon):
    """Contacts stay usable for everyone who has nothing to do with leads."""

    def test_plain_user_reads_contacts(self):
        self.bill()
        self.buyer.lead_invoice_recipient_ids = self.portal_user.partner_id
        contact = self.buyer.with_user(self.plain_user)
        self.read_ours(contact | contact.child_ids)
        for name in ("lead_unbilled_amount", "lead_sale_count", "lead_buyer_ref_ids"):
            with self.subTest(field=name):
                self.assertNotIn(name, contact.fields_get())
                self.assert_refused(contact.read, [name])

    def test_contact_manager_edits_contacts(self):
        user = self.new_user("contacts", "base.group_user,base.group_partner_manager")
        with Form(self.env["res.partner"].with_user(user)) as form:
            form.name = "Colleague"
            form.parent_id = self.buyer
        colleague = form.record
        self.assertEqual(colleague.lead_billing_cycle_id, self.cycle)
        with Form(self.buyer.with_user(user)) as form:
            form.name = "Buyer A, Inc."
        self.assertTrue(self.buyer.with_user(user).copy())

    def test_clerk_sets_how_a_buyer_is_billed(self):
        clerk = self.new_user(
            "billing", "lead_invoicing.group_user,base.group_partner_manager"
        )
        with Form(self.buyer.with_user(clerk)) as form:
            form.lead_po_number = "PO 7"
            form.lead_billing_mode = "prepaid"
        self.assertEqual(self.buyer.lead_po_number, "PO 7")


class TestLeadDataRights(RightsCommon):
    """Lead data are personal: only who is in their group sees them, by any way."""

    def setUp(self):
        super().setUp()
        self.bill()
        self.users = [self.billing_user, self.manager]

    def test_not_by_reading(self):
        for user in self.users:
            sale = self.sale.with_user(user)
            with self.subTest(user=user.login):
                self.assertTrue(sale.read(["price"]))
                self.assertNotIn("lead_data", sale.read()[0])
                self.assertNotIn("lead_data", sale.fields_get())
                self.assert_refused(sale.read, ["lead_data"])
                self.assert_refused(sale.web_read, {"lead_data": {}})
                self.assert_refused(sale.export_data, ["lead_data"])
                self.assert_refused(sale.export_data, ["lead_data.first_name"])
                self.assert_refused(
                    sale.search_read, [("id", "=", sale.id)], ["lead_data"]
                )

    def test_not_by_searching_sorting_or_grouping(self):
        for user in self.users:
            ledger = self.env["lead.sale"].with_user(user)
            with self.subTest(user=user.login):
                name = "lead_data.first_name"
                self.assert_refused(ledger.search, [(name, "=", "Ada")])
                self.assert_refused(ledger.search_count, [(name, "!=", False)])
                self.assert_refused(ledger.formatted_read_group, [], [name])
                self.assert_refused(ledger.web_read_group, [], [name])
                self.assert_refused(ledger.search, [("lead_data", "!=", False)])
                self.assert_refused(ledger.search, [], order="lead_data")
                self.assert_refused(
                    self.sale.with_user(user).filtered_domain,
                    [("lead_data.first_name", "=", "Ada")],
                )

    def test_not_by_way_of_another_model(self):
        user = self.billing_user
        moves = self.env["account.move"].with_user(user)
        self.assertTrue(moves.search([("lead_sale_ids.price", "=", 10)]))
        self.assert_refused(
            moves.search, [("lead_sale_ids.lead_data.first_name", "=", "Ada")]
        )
        self.assert_refused(
            self.document.with_user(user).export_data,
            ["lead_sale_ids/lead_data"],
        )
        self.assert_refused(
            self.document.with_user(user).web_read,
            {"lead_sale_ids": {"fields": {"lead_data": {}}}},
        )

    def test_not_by_writing(self):
        sale = self.sale.with_user(self.manager)
        self.assert_refused(sale.write, {"lead_data": {"first_name": "Eve"}})

    def test_by_who_is_in_the_group(self):
        user = self.new_user(
            "data", "lead_invoicing.group_user,lead_invoicing.group_lead_data"
        )
        ledger = self.env["lead.sale"].with_user(user)
        self.assertEqual(
            ledger.search([("lead_data.first_name", "=", "Ada")]), self.sale
        )
        self.assertEqual(self.sale.with_user(user).lead_data["first_name"], "Ada")


class TestPortalRights(RightsCommon):
    """A buyer reads by the pages and files made for it alone: over RPC it reaches no
    transaction, not even its own, and nothing of what the addon knows of a document."""

    def test_no_transaction_by_any_way(self):
        self.bill()
        own = self.sale.with_user(self.portal_user)
        self.assert_refused(own.read, ["price"])
        self.assert_refused(own.web_read, {"price": {}})
        self.assert_refused(own.export_data, ["price"])
        self.assert_refused(own.search_read, [], ["reason"])
        self.assert_refused(own.name_search, self.sale.external_ref)
        self.assert_refused(own.formatted_read_group, [], ["partner_id"], ["__count"])
        for domain in (
            [],
            [("reason", "=like", "a%")],
            [("waiver_ids.reason", "=like", "a%")],
            [("invoice_line_id.move_id.amount_total", ">", 1)],
        ):
            self.assert_refused(own.search, domain)
            self.assert_refused(own.search_count, domain)
        self.assert_refused(own.search, [], order="invoice_line_id")
        moves = self.env["account.move"].with_user(self.portal_user)
        self.assert_refused(moves.search, [("lead_sale_ids.price", ">", 0)])

    def test_nothing_of_ours_on_what_the_portal_reads(self):
        """Documents, their lines, contacts and companies are there for a portal user's
        own calls, too."""
        self.bill()
        self.assertEqual(self.document.state, "posted")
        for user in (self.portal_user, self.public_user):
            for records in (
                self.document,
                self.lead_line,
                self.buyer,
                user,
                self.company,
            ):
                model = records.browse().with_user(user)
                names = [name for name in model._fields if name.startswith("lead_")]
                self.assertTrue(names)
                self.assertFalse(model.fields_get(names))
                for name in names:
                    with self.subTest(user=user.id, model=model._name, name=name):
                        self.assert_refused(model.search, [], order=name)
                        self.assert_refused(model.read, [name])

    def test_writing_about_a_document_needs_no_more(self):
        self.bill()
        self.document.with_user(self.portal_user).sudo().message_post(
            body="When is it due?",
            partner_ids=self.manager.partner_id.ids,
            subtype_xmlid="mail.mt_comment",
        )

    def test_neither_writes_nor_records(self):
        self.bill()
        own = self.sale.with_user(self.portal_user)
        for vals in ({"reason": "x"}, {"waived": True}, {"price": 0}):
            self.assert_refused(own.write, vals)
        self.assert_refused(own.unlink)
        self.assert_refused(own.copy)
        self.assert_refused(own.action_waive)
        row = self.sale_vals("P1", buyer_ref=self.buyer.ref)
        self.assert_refused(own.record_transactions, [row])
        self.assert_refused(own.check_transactions, [row])
        self.assertFalse(own.load(["external_ref", "price"], [["P1", "1"]])["ids"])
        self.assert_refused(own.name_create, "P1")
        self.assert_refused(self.failure.with_user(self.portal_user).action_retry)


class TestCompanyRights(RightsCommon):
    """A clerk of one company neither sees nor touches another one's leads."""

    def setUp(self):
        super().setUp()
        self.bill()

    def test_sees_nothing(self):
        for record in (
            self.sale,
            self.edu,
            self.cycle,
            self.run,
            self.failure,
            self.document,
        ):
            as_stranger = record.with_user(self.stranger)
            with self.subTest(model=record._name):
                self.assertFalse(as_stranger.search([]))
                self.assert_refused(as_stranger.read, ["display_name"])
                self.assert_refused(as_stranger.export_data, ["display_name"])
                trick = as_stranger.with_context(allowed_company_ids=self.company.ids)
                self.assert_refused(trick.search, [])
                self.assert_refused(as_stranger.with_company(self.company).search, [])
        buyer = self.buyer.with_user(self.stranger)
        self.assertEqual(buyer.lead_sale_count, 0)
        self.assertEqual(buyer.lead_unbilled_amount, 0)
        self.assertFalse(buyer.lead_billing_cycle_id)
        self.assertFalse(
            self.env["lead.sale"].search(buyer.action_view_lead_sales()["domain"])
        )
        self.assert_refused(
            lambda: buyer.with_company(self.company).lead_unbilled_amount
        )

    def test_retries_nothing(self):
        for record in (self.run, self.failure):
            self.assert_refused(record.with_user(self.stranger).action_retry)
        self.assert_refused(self.failure.with_user(self.stranger).action_view_partner)
        self.assertEqual(self.failure.state, "failed")

    def test_releases_and_waives_nothing(self):
        self.reverse().action_post()
        self.env.invalidate_all()

        def release():
            self.env["lead.sale.release.wizard"].with_user(self.stranger).create(
                {"invoice_ids": self.document.ids, "reason": "x"}
            ).action_release()

        self.assert_refused(release)
        self.assert_refused(self.other_sale.with_user(self.stranger).action_waive)
        self.env.invalidate_all()
        self.assertEqual(self.sale.billing_state, "credited")

    def test_records_nothing_here(self):
        ledger = self.env["lead.sale"].with_user(self.stranger)
        row = self.sale_vals("P1", buyer_ref=self.buyer.ref)
        self.assert_refused(
            ledger.with_company(self.company).record_transactions, [row]
        )
        self.assert_refused(
            ledger.with_context(
                allowed_company_ids=self.company.ids
            ).record_transactions,
            [row],
        )
        # In the own company: it has neither this lead type nor this sale.
        (answer,) = ledger.record_transactions([row])
        self.assertEqual(answer["status"], "error")
        self.assertNotIn(self.edu.code, answer["message"])

    def test_creates_nothing_here(self):
        ledger = self.env["lead.sale"].with_user(self.stranger)
        vals = {
            "external_ref": "P1",
            "partner_id": self.buyer.id,
            "lead_type_id": self.edu.id,
            "price": 1,
        }
        # Neither with right values nor with wrong ones: what is wrong tells of the
        # other company, too.
        for change in ({}, {"lead_type_id": 0}, {"external_ref": "T1"}):
            with self.assertRaises(AccessError):
                ledger.create({**vals, "company_id": self.company.id, **change})
        self.assert_refused(ledger.create, vals)
        self.assert_refused(
            ledger.create,
            {
                **vals,
                "transaction_type": "return",
                "origin_id": self.sale.id,
            },
        )

    def test_neither_uses_nor_makes_configuration_here(self):
        cycles = self.env["lead.billing.cycle"].with_user(self.stranger)
        self.assert_refused(
            cycles.create, {"name": "x", "tz": "UTC", "company_id": self.company.id}
        )
        self.assert_refused(
            self.env["lead.type"].with_user(self.stranger).create,
            {
                "name": "x",
                "code": "X",
                "product_id": self.edu_product.id,
                "company_id": self.company.id,
            },
        )
        self.assert_refused(
            self.env["lead.buyer.ref"].with_user(self.stranger).create,
            {"ref": "X", "partner_id": self.buyer.id, "company_id": self.company.id},
        )
        buyer = self.buyer.with_user(self.stranger)
        self.assert_refused(buyer.write, {"lead_billing_cycle_id": self.cycle.id})
        self.assert_refused(
            buyer.with_company(self.company).write, {"lead_po_number": "x"}
        )
        buyer.lead_po_number = "theirs"
        self.assertFalse(self.buyer.with_company(self.company).lead_po_number)

    def test_a_contact_of_another_company_is_no_buyer(self):
        foreign = self.env["res.partner"].create(
            {"name": "Theirs", "ref": "theirs", "company_id": self.abroad.id}
        )
        (answer,) = self.record(
            self.sale_vals("P1", buyer_ref="theirs"), user=self.integrator
        )
        self.assertEqual(answer["status"], "error")
        self.assertNotIn("Other House", answer["message"])
        self.assert_refused(
            self.env["lead.sale"].with_user(self.manager).create,
            {
                "external_ref": "P1",
                "partner_id": foreign.id,
                "lead_type_id": self.edu.id,
                "price": 1,
            },
        )

    def test_a_user_of_both_sees_the_chosen_one(self):
        user = new_test_user(
            self.env,
            login="both",
            groups="lead_invoicing.group_user",
            company_id=self.company.id,
            company_ids=[Command.set((self.company | self.abroad).ids)],
        )
        ledger = self.env["lead.sale"].with_user(user)
        both = [self.company.id, self.abroad.id]
        self.assertEqual(
            ledger.with_context(allowed_company_ids=both).search_count([]), 2
        )
        self.assertFalse(
            ledger.with_context(allowed_company_ids=self.abroad.ids).search([])
        )
