import { tours } from "@lead_invoicing/../tests/tours/tours";
import { stepUtils } from "@web_tour/tour_utils";
import { fits } from "@lead_invoicing/../tests/tours/fits";

// A clerk finds the failed run, fixes the buyer and has it tried again.
tours.add("lead_invoicing_clerk_mends", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps("lead_invoicing.menu_root", "Open the app"),
        {
            content: "Its first screen says what needs a person",
            trigger: ".o_lead_overview [data-code='failed']:contains(Could Not Be Invoiced)",
        },
        {
            content: "Go to the runs",
            trigger: ".o_menu_sections [data-menu-xmlid='lead_invoicing.menu_runs']",
            run: "click",
        },
        {
            content: "Open the run with a failure",
            trigger: ".o_data_row:contains(Failures to fix) td[name='display_name']",
            run: "click",
        },
        {
            content: "It says how many",
            trigger: "button[name='action_view_failures']:contains(1)",
        },
        {
            content: "And why",
            trigger: ".o_field_widget[name='buyer_ids'] .o_data_row:contains(is archived)",
        },
        {
            content: "Fix the buyer",
            trigger: ".o_field_widget[name='buyer_ids'] button[name='action_fix']",
            run: "click",
        },
        {
            content: "Choose another receivable account",
            trigger: ".modal .o_field_widget[name='receivable_account_id'] input",
            run: "edit Fixed receivable",
        },
        {
            trigger: ".ui-menu-item a:contains(Fixed receivable)",
            run: "click",
        },
        {
            content: "Save and retry",
            trigger: ".modal button[name='action_save']:contains(Save and Retry)",
            run: "click",
        },
        {
            content: "The run goes on",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Running)",
        },
        {
            content: "The buyer is in line again",
            trigger: ".o_field_widget[name='buyer_ids'] .o_data_row:contains(Buyer B):contains(To do)",
        },
    ],
});

// Later, the clerk looks at the invoice and at the leads behind it.
tours.add("lead_invoicing_clerk_looks", {
    url: "/odoo/action-lead_invoicing.action_lead_invoice_run",
    steps: () => [
        {
            content: "The run is done now",
            trigger: ".o_data_row:contains(Done) td[name='display_name']",
            run: "click",
        },
        {
            trigger: ".o_form_view:not(:has(.alert-warning))",
        },
        {
            content: "Look at its documents",
            trigger: "button[name='action_view_invoices']",
            run: "click",
        },
        {
            content: "Open the invoice of the fixed buyer",
            trigger: ".o_data_row td[name='invoice_partner_display_name']:contains(Buyer B)",
            run: "click",
        },
        {
            content: "It says how many leads it bills",
            trigger: ".o_form_view td[name='quantity']:contains(2)",
        },
        {
            content: "Open its leads",
            trigger: "button[name='action_open_lead_report']:contains(2)",
            run: "click",
        },
        {
            content: "The report has them; look at the transactions themselves",
            trigger: ".o_form_view button[name='action_view_lead_sales']",
            run: "click",
        },
        {
            content: "Both are invoiced",
            trigger: ".o_list_view .o_data_row:contains(Invoiced) + .o_data_row:contains(Invoiced)",
        },
    ],
});

// A manager makes a billing cycle and sees what it will do.
tours.add("lead_invoicing_manager_makes_a_cycle", {
    url: "/odoo/action-lead_invoicing.action_lead_billing_cycle",
    steps: () => [
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Name it",
            trigger: ".o_field_widget[name='name'] input",
            run: "edit Twice a month",
        },
        {
            content: "Three billing periods are shown before anything is saved",
            trigger: ".o_field_widget[name='upcoming_windows'] tbody tr:nth-child(3)",
        },
        {
            content: "Choose another frequency",
            trigger: ".o_field_widget[name='frequency'] .o_select_menu_toggler",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains(Twice a month)",
            run: "click",
        },
        {
            content: "The summary says it in words",
            trigger: ".o_field_widget[name='schedule_summary']:contains(From the 1st through the 15th)",
        },
        {
            content: "And the billing periods follow",
            trigger: ".o_field_widget[name='upcoming_windows'] tbody tr:nth-child(3)",
            run() {
                const rows = document.querySelectorAll(
                    ".o_field_widget[name='upcoming_windows'] tbody tr"
                );
                const days = [...rows].map((row) => / (1|16), /.test(row.cells[0].textContent));
                if (rows.length !== 3 || !days.every(Boolean)) {
                    throw new Error("These are not the next three billing periods.");
                }
            },
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});

// The same clerk on a phone.
tours.add("lead_invoicing_clerk_on_a_phone", {
    url: "/odoo/action-lead_invoicing.action_lead_invoice_run",
    steps: () => [
        fits("The runs are cards", ".o_kanban_record:contains(Failures to fix)"),
        {
            content: "Open the run with a failure",
            trigger: ".o_kanban_record:contains(Failures to fix)",
            run: "click",
        },
        fits("The run", ".o_form_view button[name='action_view_failures']"),
        {
            content: "The failure is a card with its reason",
            trigger: ".o_field_widget[name='buyer_ids'] .o_kanban_record:contains(is archived)",
        },
        {
            content: "Fix the buyer",
            trigger: ".o_field_widget[name='buyer_ids'] button[name='action_fix']",
            run: "click",
        },
        fits("The dialog", ".modal .o_field_widget[name='receivable_account_id']"),
        {
            content: "Not now",
            trigger: ".modal footer button.btn-secondary",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
        {
            content: "Retry this buyer",
            trigger: ".o_field_widget[name='buyer_ids'] button[name='action_retry']",
            run: "click",
        },
        {
            content: "It is in line again",
            trigger: ".o_field_widget[name='buyer_ids'] .o_kanban_record:contains(To do)",
        },
    ],
});

// What else a phone shows.
for (const [name, action, card] of [
    ["sales", "lead_sale", ".o_kanban_record:contains(Unbilled)"],
    ["invoices", "lead_invoices", ".o_kanban_record:contains(Buyer A)"],
    ["cycles", "lead_billing_cycle", ".o_kanban_record:contains(Every week)"],
]) {
    tours.add(`lead_invoicing_phone_${name}`, {
        url: `/odoo/action-lead_invoicing.action_${action}`,
        steps: () => [
            fits(name, card),
            {
                trigger: card,
                run: "click",
            },
            fits(`one of the ${name}`, ".o_form_view"),
        ],
    });
}

// A buyer doubts an invoice: the clerk looks at the leads behind it, then at others.
tours.add("lead_invoicing_clerk_explains", {
    steps: () => [
        {
            content: "The buyer's billing page",
            trigger: ".o_form_view a.nav-link[name='lead_invoicing']",
            run: "click",
        },
        {
            content: "Open the Invoicing Report",
            trigger: "button[name='action_open_lead_report']",
            run: "click",
        },
        {
            content: "The lead is there with its data and totals",
            trigger: ".o_lead_report td:contains(ada@example.com)",
        },
        fits("The report fits", ".o_lead_report_totals td:contains(Purchased)"),
        {
            content: "Leave out the email address",
            trigger:
                ".o_lead_report_columns .o-checkbox:contains(Email) input:checked",
            run: "click",
        },
        {
            content: "It is gone at once, the name is not",
            trigger:
                ".o_lead_report:not(:contains(ada@example.com)) td:contains(Ada)",
        },
        {
            content: "Only returns",
            trigger: ".o_field_widget[name='transaction_type'] input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains(Returns)",
            run: "click",
        },
        {
            content: "There are none",
            trigger: ".o_field_widget[name='content']:contains(No leads match)",
        },
        ...stepUtils.saveForm(),
    ],
});
