from freezegun import freeze_time

from odoo.fields import Date
from odoo.tests import Form

from .common.rights import RightsCommon

# The menus of the app, as people of each group are offered them.
CLERK = {
    "Lead Invoicing",
    "Overview",
    "Invoices",
    "To Review",
    "Top-Up Requests",
    "Disputes",
    "Reminders",
    "Exceptions",
    "Invoice Leads",
    "Buyers",
    "Buyers' Balances",
    "Runs",
    "Unbilled",
    "Unbilled Now",
    "Unbilled As Of",
    "Month-End Close",
    "Lead Sales",
    "Control Totals",
    "Returns Analysis",
    "Analysis",
}
MANAGER = CLERK | {
    "Configuration",
    "Getting Started",
    "Billing Cycles",
    "Agreed Charges",
    "Lead Types",
    "Return Reasons",
    "Buyer References",
    "Erase Lead Data",
    "Erased Lead Data",
    "Check the Books",
}


class TestMenus(RightsCommon):
    """What the menus offer to each group, and that it opens: lists and forms."""

    def open_all(self, user, expected):
        """Open all that the menus of the app offer to a user; compare the names of
        those that are not another addon's."""
        menus = self.env["ir.ui.menu"].with_user(user).load_menus(False)
        root = self.env.ref("lead_invoicing.menu_root")
        found = [menu for menu in menus.values() if menu.get("app_id") == root.id]
        own = [menu for menu in found if menu["xmlid"].startswith("lead_invoicing.")]
        self.assertEqual({menu["name"] for menu in own}, expected)
        visible = self.env["ir.ui.menu"].browse([menu["id"] for menu in found])
        for menu in visible:
            action = menu.action
            if action and action._name == "ir.actions.server":
                action.with_user(user).run()
            if not action or action._name != "ir.actions.act_window":
                continue
            model = self.env[action.res_model].with_user(user)
            views = [
                (action.view_id.id if mode == action.view_id.type else False, mode)
                for mode in action.view_mode.split(",")
            ]
            with self.subTest(menu=menu.name):
                model.get_views([*views, (action.search_view_id.id, "search")])
                if model._name == "res.config.settings":
                    continue
                for record in model.search([], limit=3):
                    Form(record)
                if model.has_access("create") and model._name != "account.move":
                    Form(model)

    def test_of_a_clerk(self):
        self.bill()
        self.open_all(self.billing_user, CLERK)
        Form(self.failure.with_user(self.billing_user))
        Form(self.buyer.with_user(self.billing_user))

    def test_of_a_manager(self):
        self.bill()
        self.open_all(self.manager, MANAGER)

    def test_of_a_manager_of_the_database(self):
        self.bill()
        user = self.new_user("boss", "lead_invoicing.group_manager,base.group_system")
        with (
            freeze_time("2026-11-10"),
            Form(self.env["res.config.settings"].with_user(user)) as form,
        ):
            form.lead_billing_cycle_id = self.cycle
            form.lead_billing_start = Date.from_string("2026-01-01")
        form.record.execute()
        self.assertEqual(self.company.lead_billing_cycle_id, self.cycle)

    def test_of_everybody_else(self):
        self.bill()
        for user in (self.integrator, self.plain_user, self.accountant):
            with self.subTest(user=user.login):
                self.open_all(user, set())
