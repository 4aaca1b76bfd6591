from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import UserError

from .at_once import AtOnceCommon
from .world import LeadInvoicingCommon

CODE = "MEETING"


class DecisionsAtOnceCommon(AtOnceCommon):
    """One lead sold to one buyer, and what people and jobs decide about it."""

    def remove(self):
        with self.registry.cursor() as cr:
            # What corrects or returns others is deleted with them.
            cr.execute(
                "UPDATE lead_sale SET origin_id = NULL, corrected_sale_id = NULL"
                " FROM lead_type WHERE lead_type.id = lead_type_id AND code = %s",
                [CODE],
            )
            cr.execute("DELETE FROM lead_erasure WHERE reason = %s", [CODE])
            of_move = "model = 'account.move'"
            # Posted documents are not for deleting, but for their rows.
            for query in (
                "DELETE FROM account_partial_reconcile WHERE debit_move_id IN (%s)",
                "DELETE FROM account_payment WHERE move_id IN (%s)",
                "DELETE FROM lead_statement WHERE move_id IN (%s)",
                "DELETE FROM lead_sale_past_billing WHERE sale_id IN (%s)",
                "DELETE FROM lead_sale_release WHERE sale_id IN (%s)",
                "DELETE FROM lead_sale WHERE id IN (%s)",
                f"DELETE FROM mail_message WHERE {of_move} AND res_id IN (%s)",
                f"DELETE FROM ir_attachment WHERE res_{of_move} AND res_id IN (%s)",
                "DELETE FROM account_move WHERE id IN (%s)",
            ):
                sales = (
                    "SELECT sale.id FROM lead_sale sale JOIN lead_type"
                    " ON lead_type.id = sale.lead_type_id WHERE lead_type.code = %s"
                )
                partners = "partner_id IN (SELECT id FROM res_partner WHERE ref = %s)"
                lines = f"SELECT id FROM account_move_line WHERE {partners}"
                moves = f"SELECT id FROM account_move WHERE {partners}"
                found = sales if "sale" in query else moves
                cr.execute(query % (lines if "partial" in query else found), [CODE])
            env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
            partner = env["res.partner"].search([("ref", "=", CODE)])
            of_buyer = [("partner_id", "in", partner.ids)]
            env["lead.billed.charge"].search(of_buyer).unlink()
            env["lead.billing.charge"].search(of_buyer).unlink()
            runs = env["lead.invoice.run.buyer"].search(
                [("partner_id", "in", partner.ids)]
            )
            runs.run_id.unlink()
            lead_type = env["lead.type"].search([("code", "=", CODE)])
            product = lead_type.product_id
            lead_type.unlink()
            product.unlink()
            partner.unlink()

    # The world

    def build(self):
        """Sell one lead."""
        self.remove()
        self.refusals = 0
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            product = env["product.product"].create(
                {"name": CODE, "type": "service", "taxes_id": False}
            )
            env["lead.type"].create(
                {"name": CODE, "code": CODE, "product_id": product.id}
            )
            env["res.partner"].create(
                {"name": CODE, "ref": CODE, "email": "meeting@example.com"}
            )
            self.record(env, LeadInvoicingCommon.sale_vals("MEETING-1"))

    # What is done

    def find(self, env, ref):
        return env["lead.sale"].search([("external_ref", "=", ref)])

    def sale(self, env):
        return self.find(env, "MEETING-1")

    def back(self, env):
        return self.find(env, "MEETING-R")

    def record(self, env, vals):
        (answer,) = env["lead.sale"].record_transactions(
            [{**vals, "buyer_ref": CODE, "lead_type": CODE}]
        )
        self.assertEqual(answer["status"], "created", answer["message"])

    def give_back(self, env):
        self.record(env, LeadInvoicingCommon.return_vals("MEETING-R", "MEETING-1"))

    def correct(self, env):
        vals = LeadInvoicingCommon.return_vals("MEETING-K", "MEETING-1", price=15)
        self.record(env, {**vals, "type": "correction"})

    def unwaive(self, env):
        self.sale(env)._unwaive("It was sold")

    def waive(self, env):
        self.sale(env)._waive("Goodwill")

    def bill(self, env, posting="post", **vals):
        """Bill the buyer, as a batch of a run does."""
        run = env["lead.invoice.run"].create(
            {
                "company_id": env.company.id,
                "window_end": fields.Datetime.now(),
                "tz": "UTC",
                "posting": posting,
                **vals,
            }
        )
        item = env["lead.invoice.run.buyer"].create(
            {
                "run_id": run.id,
                "company_id": env.company.id,
                "partner_id": env["res.partner"].search([("ref", "=", CODE)]).id,
            }
        )
        item._generate()

    def agree(self, env):
        """Agree on a fee with the buyer."""
        env["lead.billing.charge"].create(
            {
                "name": CODE,
                "kind": "fee",
                "amount": 5,
                "partner_id": env["res.partner"].search([("ref", "=", CODE)]).id,
                "product_id": env["lead.type"]
                .search([("code", "=", CODE)])
                .product_id.id,
                "date_from": "2026-01-01",
            }
        )

    def bill_charges(self, env):
        """Bill the buyer with its charges, for the same days whoever does it."""
        self.bill(env, include_charges=True, window_end=self.charged_until)

    def draft(self, env):
        self.bill(env, "draft")

    def invoice(self, env):
        return env["account.move"].search(
            [("partner_id.ref", "=", CODE), ("lead_run_id", "!=", False)],
            order="id",
            limit=1,
        )

    def reversal(self, env):
        return self.invoice(env).reversal_move_ids.filtered(
            lambda move: not move.lead_run_id
        )

    def wizard(self, move):
        return (
            move.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id})
        )

    def reverse(self, env):
        self.wizard(self.invoice(env)).refund_moves()

    def post_reversal(self, env):
        self.reversal(env).action_post()

    def take_reversal_back(self, env):
        self.reversal(env).button_draft()

    def undo_reversal(self, env):
        wizard = self.wizard(self.reversal(env))
        wizard.refund_moves()
        wizard.new_move_ids.action_post()

    def invoice_again(self, env):
        self.wizard(self.invoice(env)).modify_moves()

    def take_invoice_back(self, env):
        self.invoice(env).button_draft()

    def post_return(self, env):
        self.back(env).invoice_id.action_post()

    def release(self, env):
        self.invoice(env)._release_credited_lead_sales("Wrong company")

    def refused(self, step):
        """Return a step that is refused when it sees what was done before."""

        def try_step(env):
            try:
                with env.cr.savepoint():
                    step(env)
            except UserError:
                self.refusals += 1

        return try_step

    def assert_given_back_once(self):
        """The sale is on one live document at most, and given back once at most."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.bill(env)
            env.flush_all()
            lines = env["account.move.line"].search(
                [
                    ("partner_id.ref", "=", CODE),
                    ("account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                ]
            )
            owed = sum(lines.mapped("balance"))
            self.assertIn(owed, (0, 20))
            cr.rollback()
        return owed
