"""What only Lead Invoicing decides, nobody else does: by no way to write it."""

import math
from functools import partial

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from ..models import account_move, account_move_line, res_company
from .common.generation import GENERATION, WEEK
from .common.portal import BUYER_ROUTES, PortalReportCommon
from .common.rights import RightsCommon

# What people decide on Odoo's models, among the stored fields that the addon adds.
BY_PEOPLE = {
    "res.company": {
        "lead_accrual_account_id",
        "lead_accrual_journal_id",
        "lead_billing_cycle_id",
        "lead_billing_start",
        "lead_data_months",
        "lead_dispute_days",
        "lead_feed_silence_hours",
        "lead_issue_zero",
        "lead_list_payments",
        "lead_reminder_days_1",
        "lead_reminder_days_2",
        "lead_reminder_days_3",
        "lead_reminders",
        "lead_return_policy",
        "lead_review_same_lead",
        "lead_review_volume_factor",
        "lead_review_zero_price",
        "lead_setup_hidden",
        "lead_top_up_currency_id",
        "lead_top_up_minimum",
        "lead_tz",
        "lead_tz_confirmed",
    },
}


class GuardsCommon(RightsCommon):
    def any_value(self, record, name):
        """Return a value that is not the one of a field, as a caller sends it."""
        field = record._fields[name]
        if field.type == "many2one":
            return self.env[field.comodel_name].sudo().search([], limit=1).id or 1
        if field.type == "selection":
            return field.get_values(self.env)[-1]
        if field.type == "monetary":
            return 7.0
        return {
            "boolean": True,
            "char": "x",
            "text": "x",
            "datetime": "2020-01-01 00:00:00",
            "integer": 7,
        }[field.type]

    def invoice_vals(self, **vals):
        return {
            "move_type": "out_invoice",
            "partner_id": self.buyer.id,
            "invoice_date": "2026-11-09",
            "invoice_line_ids": [
                Command.create({"name": "Fee", "quantity": 1, "price_unit": 5})
            ],
            **vals,
        }

    def moves_of(self, user):
        return self.env["account.move"].with_user(user)


@tagged("post_install", "-at_install")
class TestEngineValues(GuardsCommon):
    """Every engine field, by every way to a document."""

    def test_what_is_stored_on_odoos_models_is_the_engines_or_a_persons(self):
        for model, engine_fields in (
            ("account.move", account_move.ENGINE_FIELDS),
            ("account.move.line", account_move_line.ENGINE_FIELDS),
            ("res.company", res_company.ENGINE_FIELDS),
        ):
            ours = {
                field.name
                for field in self.env[model]._fields.values()
                if field.name.startswith("lead_")
                and field.store
                and field.column_type
                and "lead_invoicing" in field._modules
            }
            with self.subTest(model=model):
                self.assertEqual(ours - BY_PEOPLE.get(model, set()), engine_fields)

    def test_not_on_a_new_document(self):
        self.bill()
        for user in (self.accountant, self.manager):
            moves = self.moves_of(user)
            for name in account_move.ENGINE_FIELDS:
                value = self.any_value(self.document, name)
                with self.subTest(field=name, user=user.login):
                    self.assert_refused(
                        moves.create, self.invoice_vals(**{name: value})
                    )
                    self.assert_refused(
                        moves.web_save, self.invoice_vals(**{name: value}), {}
                    )
                    self.assert_refused(
                        self.document.with_user(user).copy, {name: value}
                    )
                    self.assert_refused(
                        self.buyer.with_user(user).write,
                        {
                            "invoice_ids": [
                                Command.create(self.invoice_vals(**{name: value}))
                            ]
                        },
                    )

    def test_not_on_a_new_line(self):
        self.bill()
        plain = self.env["account.move"].create(self.invoice_vals())
        for name in account_move_line.ENGINE_FIELDS:
            vals = {"name": "x", name: self.any_value(self.lead_line, name)}
            add = {"invoice_line_ids": [Command.create(vals)]}
            with self.subTest(field=name):
                moves = self.moves_of(self.accountant)
                self.assert_refused(moves.create, self.invoice_vals(**add))
                self.assert_refused(plain.with_user(self.accountant).write, add)
                self.assert_refused(plain.with_user(self.accountant).copy, add)
                self.assert_refused(
                    moves.line_ids.create, {**vals, "move_id": plain.id}
                )

    def test_not_by_defaults_of_the_context(self):
        self.bill()
        context = {
            f"default_{name}": self.any_value(record, name)
            for record, names in (
                (self.document, account_move.ENGINE_FIELDS),
                (self.lead_line, account_move_line.ENGINE_FIELDS),
            )
            for name in names
        }
        moves = self.moves_of(self.accountant).with_context(**context)
        offered = moves.default_get(list(moves._fields))
        self.assertFalse(account_move.ENGINE_FIELDS & offered.keys())
        for made in (
            moves.create(self.invoice_vals()),
            # As the superuser, Odoo's own code acts with the caller's context.
            moves.sudo().create(self.invoice_vals()),
            self.document.with_user(self.accountant).with_context(**context).copy(),
            moves.browse(moves.name_create("x")[0]),
        ):
            for name in account_move.ENGINE_FIELDS:
                self.assertFalse(made.sudo()[name], name)
            for name in account_move_line.ENGINE_FIELDS:
                self.assertFalse(any(made.sudo().line_ids.mapped(name)), name)

    def test_nor_by_lines_and_documents_in_such_defaults(self):
        self.bill()
        for context in self.get_nested_defaults():
            moves = self.moves_of(self.accountant).with_context(**context)
            for model in (moves, moves.sudo()):
                with (
                    self.subTest(context=context, su=model.env.su),
                    self.env.cr.savepoint() as point,
                ):
                    # As the superuser, Odoo's own code acts with the caller's context.
                    model.create({**self.invoice_vals(), "invoice_line_ids": []})
                    model.create({"move_type": "out_invoice"})
                    self.assert_no_more_leads()
                    point.rollback()

    def test_nor_where_odoo_creates_documents_with_the_context(self):
        self.bill()
        vals = self.invoice_vals(auto_post="monthly")
        for context in self.get_nested_defaults():
            plain, recurring = self.env["account.move"].create(
                [self.invoice_vals(), vals]
            )
            plain.action_post()

            for way in (
                partial(self.reverse_with, "refund_moves", plain),
                partial(self.reverse_with, "modify_moves", plain),
                partial(self.post_with, recurring),
                partial(self.reset_with, plain),
            ):
                with self.subTest(context=context), self.env.cr.savepoint() as point:
                    way(context)
                    self.assert_no_more_leads()
                    point.rollback()

    def reverse_with(self, method, move, context):
        context = {**context, "active_model": "account.move", "active_ids": move.ids}
        wizards = self.env["account.move.reversal"].with_user(self.accountant)
        wizard = wizards.with_context(**context).create(
            {"journal_id": move.journal_id.id}
        )
        self.assertEqual(wizard.move_ids, move)
        getattr(wizard, method)()
        self.assertTrue(wizard.new_move_ids)

    def post_with(self, move, context):
        with freeze_time("2026-11-12 12:00"):
            move.with_user(self.accountant).with_context(**context).action_post()

    def reset_with(self, move, context):
        move = move.with_user(self.accountant).with_context(**context)
        move.button_draft()
        move.button_cancel()

    def get_nested_defaults(self):
        """Return contexts that would have lines, or documents, of leads."""
        line = {
            "name": "x",
            "quantity": 1,
            "price_unit": 10,
            "tax_ids": [],
            "lead_type_id": self.edu.id,
            "lead_transaction_type": "return",
            "lead_count": 1,
            "lead_origin_move_id": self.document.id,
        }
        document = {
            "move_type": "out_refund",
            "partner_id": self.buyer.id,
            "lead_run_id": self.run.id,
        }
        return (
            {"default_invoice_line_ids": [Command.create(line)]},
            {"default_line_ids": [Command.create(line)]},
            {"default_reversal_move_ids": [Command.create(document)]},
            {
                "default_reversal_move_ids": [
                    Command.create(
                        {
                            **self.invoice_vals(),
                            "move_type": "out_refund",
                            "invoice_line_ids": [Command.create(line)],
                        }
                    )
                ]
            },
        )

    def test_nor_by_an_email_to_a_journal(self):
        self.bill()
        context = self.get_nested_defaults()[0]
        (command,) = context["default_invoice_line_ids"]
        defaults = {
            "partner_id": self.buyer.id,
            "journal_id": self.document.journal_id.id,
            **{
                name: self.any_value(self.document, name)
                for name in account_move.ENGINE_FIELDS
            },
            "lead_run_id": self.run.id,
            "invoice_line_ids": [command],
        }
        # As the superuser, Odoo's mail gateway takes what an alias has as defaults.
        moves = self.env["account.move"].sudo()
        for kind in ("out_refund", "out_invoice"):
            with self.subTest(kind):
                move = moves.message_new(
                    {"subject": "Returned", "from": "one@example.com", "body": ""},
                    {**defaults, "move_type": kind},
                )
                self.assertEqual(move.move_type, kind)
                self.assert_no_more_leads()
                for name in account_move.ENGINE_FIELDS:
                    self.assertFalse(move[name], name)
        # What people may decide is taken over.
        move = moves.message_new({}, {**defaults, "move_type": "out_refund"})
        self.assertEqual(move.partner_id, self.buyer)
        self.assertEqual(move.amount_untaxed, 10)

    def assert_no_more_leads(self):
        """No document and no line is of leads, but those that the run made."""
        self.env.flush_all()
        lines = self.env["account.move.line"].search(
            [
                ("move_id", "!=", self.document.id),
                "|",
                ("lead_type_id", "!=", False),
                ("lead_origin_move_id", "!=", False),
            ]
        )
        self.assertFalse(lines)
        documents = self.env["account.move"].search([("lead_run_id", "!=", False)])
        self.assertEqual(documents, self.document)

    def test_not_by_way_of_what_has_an_entry(self):
        self.bill()
        owners = [
            name
            for name, model in self.env.registry.items()
            if "account.move" in model._inherits
        ]
        self.assertIn("account.bank.statement.line", owners)
        context = {
            f"default_{name}": self.any_value(self.document, name)
            for name in account_move.ENGINE_FIELDS
        }
        for name in owners:
            model = self.env[name].with_context(**context)
            offered = model.default_get(list(model._fields))
            self.assertFalse(account_move.ENGINE_FIELDS & offered.keys(), name)
        line = (
            # As the superuser, Odoo's own code acts with the caller's context.
            self.env["account.bank.statement.line"]
            .with_user(self.accountant)
            .sudo()
            .with_context(**context)
            .create(
                {
                    "journal_id": self.company_data["default_journal_bank"].id,
                    "payment_ref": "x",
                    "amount": 5,
                }
            )
        )
        for name in account_move.ENGINE_FIELDS:
            self.assertFalse(line.move_id[name], name)

    def test_not_by_defaults_that_a_user_saved(self):
        self.bill()
        defaults = self.env["ir.default"].with_user(self.accountant)
        defaults.set("account.move", "lead_run_id", self.run.id, user_id=True)
        defaults.set("account.move", "lead_is_receipt", True, user_id=True)
        move = self.moves_of(self.accountant).create(self.invoice_vals())
        self.assertFalse(move.sudo().lead_run_id)
        self.assertFalse(move.sudo().lead_is_receipt)

    def test_not_by_an_import(self):
        self.bill()
        for name, value in (
            ("lead_run_id/.id", str(self.run.id)),
            ("lead_delivery_state", "sent"),
            ("invoice_line_ids/lead_count", "9"),
        ):
            result = self.moves_of(self.accountant).load(
                ["move_type", "partner_id/.id", "invoice_line_ids/name", name],
                [["out_invoice", str(self.buyer.id), "x", value]],
            )
            with self.subTest(field=name):
                self.assertFalse(result["ids"])
                self.assertTrue(result["messages"])

    def test_not_of_a_company(self):
        user = self.new_user("boss", "base.group_erp_manager")
        company = self.company.with_user(user)
        for name in res_company.ENGINE_FIELDS:
            with self.subTest(field=name):
                self.assert_refused(
                    company.write, {name: self.any_value(company, name)}
                )
        company.lead_data_months = 3

    def test_a_run_by_hand_takes_nothing_from_the_context(self):
        self.bill()
        self.receivable.active = True
        context = {
            "default_state": "posted",
            "default_message": "x",
            "default_cycle_id": self.cycle.id,
            "default_lead_is_receipt": True,
            "default_lead_count": 99,
            "default_auto_post": "monthly",
            "skip_invoice_sync": True,
        }
        with freeze_time("2026-11-12 12:00"):
            wizard = (
                self.env["lead.invoice.wizard"]
                .with_user(self.billing_user)
                .with_context(**context)
                .create({"partner_ids": self.other_buyer.ids, "posting": "draft"})
            )
            with self.enter_registry_test_mode(), self.registry.cursor() as cr:
                action = wizard.with_env(wizard.env(cr=cr)).action_invoice()
        self.env.invalidate_all()
        run = self.env["lead.invoice.run"].browse(action["res_id"])
        self.assertFalse(run.cycle_id)
        self.assertFalse(run.message)
        document = run.invoice_ids
        self.assertEqual(document.state, "draft")
        self.assertEqual(document.auto_post, "no")
        self.assertFalse(document.lead_is_receipt)
        self.assertEqual(document.invoice_line_ids.lead_count, 1)
        self.assertEqual(document.amount_total, 10)


@tagged("post_install", "-at_install")
class TestReversalContext(GuardsCommon):
    """Whom a document replaces is decided by reversing, not by who reverses."""

    def test_a_refund_moves_no_leads_whatever_the_context_says(self):
        self.bill()
        victim = self.document
        plain = self.env["account.move"].create(self.invoice_vals())
        plain.action_post()
        for move in (victim, plain):
            wizard = (
                self.env["account.move.reversal"]
                .with_user(self.accountant)
                .with_context(
                    active_model="account.move",
                    active_ids=move.ids,
                    default_lead_replaces_id=victim.id,
                    default_lead_run_id=self.run.id,
                )
                .create({"journal_id": move.journal_id.id})
            )
            wizard.refund_moves()
            draft = wizard.new_move_ids
            self.env.invalidate_all()
            self.assertFalse(draft.lead_replaces_id)
            self.assertFalse(draft.lead_run_id)
            self.assertEqual(self.sale.invoice_id, victim)
            draft.unlink()
            self.env.invalidate_all()
            self.assertEqual(self.sale.billing_state, "invoiced")

    def test_a_refund_is_not_posted_by_a_default(self):
        self.bill()
        wizard = (
            self.env["account.move.reversal"]
            .with_user(self.accountant)
            .with_context(
                active_model="account.move",
                active_ids=self.document.ids,
                default_state="posted",
            )
            .create({"journal_id": self.document.journal_id.id})
        )
        wizard.refund_moves()
        self.assertEqual(wizard.new_move_ids.state, "draft")

    def test_reverse_and_reinvoice_replaces_what_it_reverses(self):
        self.bill()
        wizard = (
            self.env["account.move.reversal"]
            .with_user(self.accountant)
            .with_context(
                active_model="account.move",
                active_ids=self.document.ids,
                default_lead_replaces_id=self.failure.id,
            )
            .create({"journal_id": self.document.journal_id.id})
        )
        wizard.modify_moves()
        self.env.invalidate_all()
        again = wizard.new_move_ids
        self.assertEqual(again.lead_replaces_id, self.document)
        self.assertEqual(self.sale.invoice_id, again)


@tagged("post_install", "-at_install")
class TestStates(GuardsCommon):
    """A document of leads is posted and taken back by its buttons only: they check."""

    def setUp(self):
        super().setUp()
        self.cycle.posting = "draft"
        self.bill()
        self.mine = self.document.with_user(self.accountant)

    def test_a_state_is_not_written(self):
        for state in ("posted", "cancel"):
            with self.subTest(state=state):
                self.assert_refused(self.mine.write, {"state": state})
                self.assert_refused(self.mine.web_save, {"state": state}, {})
                self.assert_refused(
                    self.buyer.with_user(self.accountant).write,
                    {"invoice_ids": [Command.update(self.mine.id, {"state": state})]},
                )
        self.mine.action_post()
        self.assert_refused(self.mine.write, {"state": "draft"})
        self.assert_refused(self.mine.write, {"state": "cancel"})
        self.mine.button_cancel()
        self.assert_refused(self.mine.write, {"state": "posted"})
        self.mine.button_draft()
        # Its leads are on another document by now, or will be.
        self.assert_refused(self.mine.write, {"state": "posted"})
        self.assert_refused(self.mine.action_post)

    def test_what_others_rely_on_is_not_deleted_from_the_books(self):
        self.mine.action_post()
        credit_note = self.reverse(self.accountant)
        credit_note.action_post()
        waiting = self.new_return(self.sale, at="2026-11-10T12:00:00Z")
        self.generate(GENERATION + WEEK)
        self.assertTrue(waiting.waived_by_credit)
        # In a certain context Odoo deletes what is posted.
        posted = self.mine.with_context(force_delete=True)
        self.assert_refused(posted.invoice_line_ids.unlink)
        self.assert_refused(posted.unlink)
        credit_note.with_context(force_delete=True).unlink()
        self.env.invalidate_all()
        self.assertEqual(self.sale.billing_state, "invoiced")
        self.assertEqual(waiting.billing_state, "unbilled")

    def test_nor_that_of_its_credit_note(self):
        self.mine.action_post()
        credit_note = self.reverse(self.accountant)
        self.assert_refused(credit_note.write, {"state": "posted"})
        credit_note.action_post()
        self.env["lead.sale.release.wizard"].with_user(self.manager).create(
            {"invoice_ids": self.document.ids, "reason": "Agreed"}
        ).action_release()
        for state in ("draft", "cancel"):
            self.assert_refused(credit_note.write, {"state": state})
        self.assert_refused(credit_note.button_draft)
        self.assert_refused(credit_note.with_context(force_delete=True).unlink)
        undo = (
            self.env["account.move.reversal"]
            .with_user(self.accountant)
            .with_context(active_model="account.move", active_ids=credit_note.ids)
            .create({"journal_id": credit_note.journal_id.id})
        )
        undo.refund_moves()
        self.assert_refused(undo.new_move_ids.write, {"state": "posted"})

    def test_what_it_gives_back_stays_as_it_is(self):
        self.mine.action_post()
        credit_note = self.reverse(self.accountant)
        credit_note.action_post()
        plain = self.moves_of(self.accountant).create(
            self.invoice_vals(move_type="out_refund")
        )
        # Before it is in the books, it can be said what a credit note is for.
        plain.reversed_entry_id = self.document
        plain.reversed_entry_id = False
        plain.action_post()
        link = {"reversal_move_ids": [Command.link(plain.id)]}
        clear = {"reversal_move_ids": [Command.clear()]}
        self.assert_refused(plain.write, {"reversed_entry_id": self.document.id})
        self.assert_refused(credit_note.write, {"reversed_entry_id": False})
        self.assert_refused(self.mine.write, link)
        self.assert_refused(self.mine.write, clear)
        self.assertEqual(self.sale.billing_state, "credited")

    def test_other_documents_are_odoos(self):
        plain = self.moves_of(self.accountant).create(self.invoice_vals())
        plain.write({"state": "cancel"})
        plain.write({"state": "draft"})
        self.assertEqual(plain.state, "draft")


@tagged("post_install", "-at_install")
class TestLeadLinesStay(GuardsCommon):
    """A lead line is on the document that bills its leads, or gone."""

    def setUp(self):
        super().setUp()
        self.cycle.posting = "draft"
        self.bill()
        self.plain = self.moves_of(self.accountant).create(self.invoice_vals())
        self.mine = self.document.with_user(self.accountant)

    def test_it_moves_to_no_other_document(self):
        line = self.lead_line.with_user(self.accountant)
        self.assert_refused(line.write, {"move_id": self.plain.id})
        self.assert_refused(line.web_save, {"move_id": self.plain.id}, {})
        kept = self.plain.line_ids.ids
        for name in ("line_ids", "invoice_line_ids"):
            for command in (
                Command.link(line.id),
                Command.set([*kept, line.id]),
                Command.update(line.id, {"move_id": self.plain.id}),
            ):
                with self.subTest(field=name, command=command):
                    self.assert_refused(self.plain.write, {name: [command]})
            self.assert_refused(
                self.moves_of(self.accountant).create,
                self.invoice_vals(**{name: [Command.link(line.id)]}),
            )
        self.assertEqual(line.move_id, self.mine)

    def test_nor_to_another_state(self):
        line = self.lead_line.with_user(self.accountant)
        self.assert_refused(line.write, {"parent_state": "cancel"})
        self.mine.button_cancel()
        self.env.invalidate_all()
        self.assertEqual(self.sale.billing_state, "unbilled")

    def test_it_can_be_deleted_and_other_lines_move(self):
        fee = self.plain.invoice_line_ids
        self.mine.write({"invoice_line_ids": [Command.create({"name": "Fee"})]})
        self.assertEqual(fee.move_id, self.plain)
        self.mine.write({"invoice_line_ids": [Command.delete(self.lead_line.id)]})
        self.env.invalidate_all()
        self.assertEqual(self.sale.billing_state, "unbilled")


@tagged("post_install", "-at_install")
class TestCustomerOfADocument(GuardsCommon):
    """A document goes to the buyer of its leads."""

    def setUp(self):
        super().setUp()
        self.cycle.posting = "draft"
        self.bill()
        self.mine = self.document.with_user(self.accountant)
        self.address = self.env["res.partner"].create(
            {"name": "Accounts", "parent_id": self.buyer.id, "type": "invoice"}
        )

    def test_changes_to_another_contact_of_the_buyer(self):
        self.mine.partner_id = self.address
        self.mine.action_post()
        self.assertEqual(self.mine.commercial_partner_id, self.buyer)
        self.assertEqual(self.sale.billing_state, "invoiced")

    def test_changes_to_nobody_else(self):
        for vals in (
            {"partner_id": self.other_buyer.id},
            {"partner_id": self.other_portal_user.partner_id.id},
            {"partner_id": False},
            {"commercial_partner_id": self.other_buyer.id},
            {"partner_id": self.other_buyer.id, "state": "draft"},
        ):
            with self.subTest(vals=vals):
                self.assert_refused(self.mine.write, vals)
                self.assert_refused(self.mine.web_save, vals, {})
                self.assert_refused(self.mine.sudo().write, vals)
                self.assert_refused(
                    self.run.sudo().write,
                    {"invoice_ids": [Command.update(self.mine.id, vals)]},
                )
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.mine.action_post()
            self.mine.with_context(
                skip_readonly_check=True
            ).partner_id = self.other_buyer

    def test_nor_does_it_go_to_another_company_or_become_something_else(self):
        other = self._create_company(name="Second House")
        self.accountant.company_ids += other
        moves = self.mine.with_context(allowed_company_ids=(self.company | other).ids)
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "sale")], limit=1
        )
        self.assert_refused(moves.write, {"company_id": other.id})
        self.assert_refused(moves.write, {"journal_id": journal.id})
        self.assert_refused(moves.write, {"move_type": "out_refund"})
        self.assert_refused(moves.write, {"move_type": "entry"})
        self.assertEqual(self.mine.company_id, self.company)
        # Odoo's own method turns the lines only where the total is below zero.
        self.assert_refused(self.mine.action_switch_move_type)
        self.assertEqual(self.mine.move_type, "out_invoice")
        self.mine.write(
            {"invoice_line_ids": [Command.create({"name": "x", "price_unit": -50})]}
        )
        self.mine.action_switch_move_type()
        self.assertEqual(self.mine.move_type, "out_refund")
        self.assertEqual(self.document.lead_amount_difference, 0)

    def test_a_contact_that_leaves_does_not_take_the_leads_along(self):
        branch = self.env["res.partner"].create(
            {"name": "Branch", "ref": "branch", "parent_id": self.buyer.id}
        )
        # Invoices go to the contact itself.
        self.address.unlink()
        self.buyer.lead_invoice_split = "sub_account"
        sale = self.new_sale(branch, at="2026-11-11T12:00:00Z")
        draft = self.generate(GENERATION + WEEK)
        self.assertEqual(draft.partner_id, branch)
        branch.parent_id = self.other_buyer
        self.env.invalidate_all()
        # Odoo leaves it addressed to the contact; but its company bought nothing.
        self.assert_refused(draft.action_post)
        draft.partner_id = self.buyer
        draft.action_post()
        self.assertEqual(sale.billing_state, "invoiced")
        # The next one finds the way by itself.
        late = self.new_sale(self.buyer, at="2026-11-18T12:00:00Z")
        late.sudo().flush_recordset()
        self.env.cr.execute(
            "UPDATE lead_sale SET partner_id = %s WHERE id = %s", [branch.id, late.id]
        )
        self.env.invalidate_all()
        draft = self.generate(GENERATION + 2 * WEEK)
        self.assertEqual(draft.lead_sale_ids, late)
        self.assertEqual(draft.partner_id.commercial_partner_id, self.buyer)


@tagged("post_install", "-at_install")
class TestWhoseRows(PortalReportCommon):
    """What a portal user sees is decided by the rows, not by an address."""

    # What the guards keep from happening is made past them here.
    broken_rules = ("transaction_of_another_buyer", "document_of_run")

    def readdress(self, move, partner):
        """Address a document to somebody else, past every guard."""
        self.broken_rules = ["transaction_of_another_buyer", "document_of_run"]
        self.env.flush_all()
        self.env.cr.execute(
            """
            UPDATE account_move SET partner_id = %(to)s, commercial_partner_id = %(to)s
             WHERE id = %(id)s
            """,
            {"to": partner.id, "id": move.id},
        )
        self.env.invalidate_all()

    def test_a_document_shows_its_readers_own_rows_only(self):
        self.readdress(self.document, self.other_buyer)
        self.login(self.other_portal_user)
        for path in BUYER_ROUTES[:2]:
            response = self.get(path, invoice_id=self.document.id)
            self.assertNotIn("L1", response.text)
            self.assertNotIn(self.sale.external_ref, response.text)
        self.login(self.portal_user)
        # It is no document of this buyer's any more; the rows are.
        response = self.get(f"{BUYER_ROUTES[0]}/csv")
        self.assertIn("L1", response.text)

    def test_a_clerk_sees_all_rows_of_a_document(self):
        self.readdress(self.document, self.other_buyer)
        report = (
            self.env["lead.invoicing.report"]
            .with_user(self.billing_user)
            ._open(self.other_buyer, {"invoice_id": str(self.document.id)})
        )
        self.assertEqual(report.count, 1)

    def test_pages_and_files_stay_in_no_cache(self):
        self.login(self.portal_user)
        for path in (*BUYER_ROUTES[:3], f"/my/invoices/{self.document.id}"):
            with self.subTest(path=path):
                response = self.url_open(path)
                self.assertEqual(response.status_code, 200)
                self.assertIn("no-store", response.headers["Cache-Control"])
                self.assertIn("private", response.headers["Cache-Control"])

    def test_asking_for_the_headers_makes_no_file(self):
        self.login(self.portal_user)
        printed = []
        report = type(self.env["ir.actions.report"])
        self.patch(
            report,
            "_run_wkhtmltopdf",
            lambda *args, **kwargs: printed.append(args) or b"%PDF",
        )
        own = f"/my/invoices/{self.document.id}?report_type=pdf"
        for path in (*BUYER_ROUTES[1:], own):
            response = self.url_open(path, method="HEAD")
            self.assertEqual(response.status_code, 200)
            self.assertIn("no-store", response.headers["Cache-Control"])
            self.assertFalse(response.content)
        self.assertFalse(printed)


@tagged("post_install", "-at_install")
class TestCompanyOfARecord(GuardsCommon):
    """A record of ours stays in the companies of whoever writes it."""

    def test_none_leaves_the_companies_of_its_user(self):
        records = (
            self.edu,
            self.cycle,
            self.env["lead.buyer.ref"].create(
                {"ref": "X", "partner_id": self.buyer.id}
            ),
        )
        for record in records:
            mine = record.with_user(self.manager)
            with self.subTest(model=record._name):
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    mine.write({"company_id": self.abroad.id})
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    mine.web_save({"company_id": self.abroad.id}, {})
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    mine.copy({"company_id": self.abroad.id, **self.unique(record)})
                in_context = mine.with_context(default_company_id=self.abroad.id)
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    in_context.create(self.minimal_vals(record))
                self.assertEqual(record.company_id, self.company)
        # By way of the buyer, too.
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            self.buyer.with_user(self.manager).write(
                {
                    "lead_buyer_ref_ids": [
                        Command.update(records[2].id, {"company_id": self.abroad.id})
                    ]
                }
            )

    def unique(self, record):
        return {"code": "C"} if record._name == "lead.type" else {}

    def minimal_vals(self, record):
        return {
            "lead.type": {
                "name": "x",
                "code": "N",
                "product_id": self.edu_product.id,
            },
            "lead.billing.cycle": {"name": "x", "tz": "UTC"},
            "lead.buyer.ref": {"ref": "N", "partner_id": self.buyer.id},
        }[record._name]

    def test_what_is_in_use_stays_in_its_company(self):
        self.bill()
        both = (self.company | self.abroad).ids
        user = new_test_user(
            self.env,
            login="both",
            groups="lead_invoicing.group_manager",
            company_id=self.company.id,
            company_ids=[Command.set(both)],
        )
        self.edu_product.company_id = False
        for record in (self.edu, self.cycle):
            mine = record.with_user(user).with_context(allowed_company_ids=both)
            with self.subTest(model=record._name), self.assertRaises(UserError):
                mine.company_id = self.abroad
        self.auto_product.company_id = False
        unused = self.auto.with_user(user).with_context(allowed_company_ids=both)
        unused.company_id = self.abroad

    def test_charges_and_their_steps_stay_in_the_company(self):
        charges = self.env["lead.billing.charge"]
        mine, other = charges.create(
            [
                {
                    "name": "x",
                    "kind": "tier",
                    "partner_id": buyer.id,
                    "product_id": self.edu_product.id,
                    "tier_ids": [Command.create({"from_count": number, "price": 1})],
                }
                for number, buyer in enumerate((self.buyer, self.other_buyer), 1)
            ]
        )
        abroad = self.env(
            context={**self.env.context, "allowed_company_ids": self.abroad.ids}
        )
        theirs = abroad["lead.billing.charge"].create(
            {
                "name": "theirs",
                "kind": "fee",
                "amount": 1,
                "company_id": self.abroad.id,
                "currency_id": self.abroad.currency_id.id,
                "product_id": abroad["product.product"]
                .create({"name": "P", "type": "service"})
                .id,
            }
        )
        charge = mine.with_user(self.manager)
        self.assert_refused(charge.write, {"company_id": self.abroad.id})
        self.assert_refused(charge.copy, {"company_id": self.abroad.id})
        tier = charge.tier_ids
        for target in (theirs, other):
            self.assert_refused(tier.write, {"charge_id": target.id})
            self.assert_refused(tier.copy, {"charge_id": theirs.id})
        self.assert_refused(
            tier.create, {"charge_id": theirs.id, "from_count": 5, "price": 1}
        )
        tier.write({"charge_id": mine.id, "price": 2})
        self.assertEqual(mine.tier_ids.price, 2)

    def test_getting_started_tells_nothing_of_another_company(self):
        setups = self.env["lead.setup"].with_user(self.billing_user)
        self.assert_refused(setups.create, {"company_id": self.abroad.id})
        self.assert_refused(
            setups.with_context(default_company_id=self.abroad.id).create, {}
        )
        setup = setups.create({})
        self.assert_refused(setup.write, {"company_id": self.abroad.id})
        # One that is there already, of a company that the user has left.
        setup.sudo().company_id = self.abroad
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            setup.read(["team_summary", "address", "cycle_summary"])

    def test_a_preview_is_told_to_who_made_it(self):
        preview = self.env["lead.invoice.wizard"].with_user(self.manager).create({})
        closing = self.env["lead.account.closing.wizard"].with_user(self.billing_user)
        with self.assertRaises(AccessError):
            closing.create(
                {
                    "partner_id": self.buyer.id,
                    "company_id": self.company.id,
                    "billing_id": preview.id,
                }
            ).read(["summary", "line_ids"])


@tagged("post_install", "-at_install")
class TestErasedData(GuardsCommon):
    """Lead data come in by the validator, or not at all."""

    def test_no_default_brings_lead_data_in(self):
        self.bill()
        officer = self.new_user(
            "officer", "lead_invoicing.group_manager,lead_invoicing.group_lead_data"
        )
        self.env["lead.erasure"]._erase_on_request(self.sale, "x")
        self.env.invalidate_all()
        ledger = self.env["lead.sale"].with_user(officer)
        self.env["ir.default"].with_user(officer).set(
            "lead.sale", "lead_data_erased_at", "2020-01-01 00:00:00", user_id=True
        )
        vals = {
            "external_ref": "back",
            "transaction_type": "return",
            "origin_id": self.sale.id,
            "partner_id": self.buyer.id,
            "lead_type_id": self.edu.id,
            "price": 10,
        }
        for number, context in enumerate(
            (
                {"default_lead_data": {"first_name": "Ada"}},
                {"default_lead_data": {"no_such": 1, "program": ["x"]}},
                {"default_lead_data.first_name": "Ada"},
                {"default_lead_data_erased_at": False},
            )
        ):
            with self.subTest(context=context), self.env.cr.savepoint() as savepoint:
                back = ledger.with_context(**context).create(
                    {**vals, "external_ref": f"back {number}"}
                )
                self.assertFalse(any(dict(back.lead_data).values()))
                self.assertFalse(
                    self.sale.lead_data_erased_at and back.lead_data_erased_at
                )
                savepoint.rollback()
        self.env.invalidate_all()
        sale = ledger.with_context(default_lead_data_erased_at="2020-01-01").create(
            {
                "external_ref": "new",
                "partner_id": self.buyer.id,
                "lead_type_id": self.edu.id,
                "price": 10,
                "lead_data": {"first_name": "Grace"},
            }
        )
        self.assertFalse(sale.lead_data_erased_at)
        self.assertEqual(sale.lead_data["first_name"], "Grace")


@tagged("post_install", "-at_install")
class TestHowABuyerIsBilled(GuardsCommon):
    """Money is decided by users of Lead Invoicing; contacts are kept by others, too."""

    VALUES = {
        "lead_billing_hold": True,
        "lead_billing_mode": "prepaid",
        "lead_invoice_split": "campaign",
        "lead_minimum_amount": 1e6,
        "lead_po_number": "PO 9",
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keeper = cls.new_user(
            "keeper", "base.group_user,base.group_partner_manager"
        )
        cls.clerk = cls.new_user(
            "decider", "lead_invoicing.group_user,base.group_partner_manager"
        )

    def get_values(self):
        manual = self.cycle.copy({"frequency": "manual"})
        return {
            **self.VALUES,
            "lead_billing_cycle_id": manual.id,
            "lead_invoice_recipient_ids": [Command.set(self.keeper.partner_id.ids)],
        }

    def test_who_keeps_contacts_does_not_decide_it(self):
        accountant = self.new_user(
            "books", "account.group_account_invoice,base.group_partner_manager"
        )
        for user in (self.keeper, accountant):
            contacts = self.env["res.partner"].with_user(user)
            for name, value in self.get_values().items():
                with self.subTest(field=name, user=user.login):
                    buyer = self.buyer.with_user(user)
                    contact = self.portal_user.partner_id.with_user(user)
                    for method, vals in (
                        (buyer.write, {name: value}),
                        (buyer.copy, {name: value}),
                        (contact.write, {name: value}),
                        (contacts.create, {"name": "x", name: value}),
                    ):
                        with self.assertRaises(AccessError, msg=(method, vals)):
                            method(vals)
                    with self.assertRaises(AccessError):
                        buyer.web_save({name: value}, {})
        result = (
            self.env["res.partner"]
            .with_user(self.keeper)
            .load(["name", "lead_po_number"], [["x", "PO 9"]])
        )
        self.assertFalse(result["ids"])

    def test_nor_by_defaults(self):
        contacts = self.env["res.partner"].with_user(self.keeper)
        context = {f"default_{name}": value for name, value in self.VALUES.items()}
        self.env["ir.default"].with_user(self.keeper).set(
            "res.partner", "lead_billing_hold", True, user_id=True
        )
        made = contacts.with_context(**context).create({"name": "x"})
        made |= contacts.browse(contacts.with_context(**context).name_create("y")[0])
        for partner in made:
            self.assertFalse(partner.lead_billing_hold)
            self.assertFalse(partner.lead_po_number)
            self.assertFalse(partner.lead_minimum_amount)
            self.assertNotEqual(partner.lead_billing_mode, "prepaid")

    def test_contacts_are_kept_as_before(self):
        self.buyer.write({**self.VALUES, "lead_minimum_amount": 5})
        buyer = self.buyer.with_user(self.keeper)
        # What is sent along unchanged changes nothing.
        buyer.write({"name": "New Name", "lead_po_number": "PO 9"})
        child = buyer.create({"name": "Colleague", "parent_id": buyer.id})
        self.assertEqual(child.lead_po_number, "PO 9")
        copy = buyer.copy()
        self.assertFalse(copy.lead_po_number)
        self.assertFalse(copy.lead_billing_hold)
        copy.write({"is_company": False, "parent_id": buyer.id})
        self.assertEqual(copy.lead_po_number, "PO 9")

    def test_merging_contacts_moves_it_along(self):
        self.buyer.write({"lead_po_number": "PO 9", "email": "same@example.com"})
        other = self.env["res.partner"].create(
            {"name": "Buyer A", "is_company": True, "email": "same@example.com"}
        )
        # Odoo's wizard reads fields of theirs.
        self.keeper.group_ids += self.env.ref("base.group_erp_manager")
        self.keeper.group_ids += self.env.ref("account.group_account_invoice")
        self.env["base.partner.merge.automatic.wizard"].with_user(self.keeper)._merge(
            (self.buyer | other).ids, other
        )
        self.assertEqual(other.lead_po_number, "PO 9")

    def test_users_of_lead_invoicing_decide_it(self):
        buyer = self.buyer.with_user(self.clerk)
        buyer.write(self.get_values())
        self.assertEqual(buyer.lead_minimum_amount, 1e6)
        made = buyer.create({"name": "x", "lead_po_number": "PO 9"})
        self.assertEqual(made.lead_po_number, "PO 9")

    def test_a_minimum_is_an_amount(self):
        buyer = self.buyer.with_user(self.clerk)
        for amount in (-1, 1e308, math.inf, -math.inf, math.nan, 1e13):
            with self.subTest(amount=amount):
                with self.assertRaises(ValidationError), self.env.cr.savepoint():
                    buyer.lead_minimum_amount = amount
                with self.assertRaises(ValidationError), self.env.cr.savepoint():
                    buyer.create({"name": "x", "lead_minimum_amount": amount})
        buyer.lead_minimum_amount = 250

    def test_numbers_of_a_company_are_numbers(self):
        for name, values in (
            ("lead_review_volume_factor", (-1, 0.5, math.inf, math.nan, 1e308)),
            ("lead_feed_silence_hours", (-1, 10**6)),
            ("lead_data_months", (-1, 10**6)),
        ):
            for value in values:
                with (
                    self.subTest(field=name, value=value),
                    self.assertRaises(ValidationError),
                    self.env.cr.savepoint(),
                ):
                    self.company[name] = value


@tagged("post_install", "-at_install")
class TestImportedFiles(RightsCommon):
    def test_only_who_uploaded_a_file_of_leads_reads_it(self):
        imports = self.env["base_import.import"].with_user(self.manager)
        ours = imports.create({"res_model": "lead.sale", "file": b"Ada"})
        odoos = imports.create({"res_model": "res.partner", "file": b"x"})
        for user in (self.plain_user, self.billing_user, self.stranger):
            with self.subTest(user=user.login):
                self.assert_refused(ours.with_user(user).read, ["file"])
                self.assertFalse(
                    imports.with_user(user).search([("res_model", "=", "lead.sale")])
                )
                self.assertTrue(odoos.with_user(user).read(["file"]))
        self.assertEqual(ours.read(["file"])[0]["file"], b"Ada")
