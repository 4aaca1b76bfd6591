import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const tours = registry.category("web_tour.tours");

// From an empty list to the first invoice, by what the screens say.
const firstInvoice = (buyer, chooseBuyer) => [
    {
        content: "The empty list tells where to begin",
        trigger: ".o_view_nocontent a[type='action']:contains(Get started)",
        run: "click",
    },
    {
        content: "Take the lead type that is offered",
        trigger: "button[name='action_create_lead_type']",
        run: "click",
    },
    {
        content: "The first step is done; take the billing cycle that is offered",
        trigger: ".o_form_view:not(:has(button[name='action_create_lead_type'])) button[name='action_create_cycle']",
        run: "click",
    },
    {
        content: "The cycle says in words what it does",
        trigger: ".o_field_widget[name='cycle_summary']:contains(Monday)",
    },
    {
        content: "Enter what was sold",
        trigger: "button[name='action_enter_sale']",
        run: "click",
    },
    {
        trigger: ".o_field_widget[name='external_ref'] input",
        run: "edit FIRST-1",
    },
    {
        content: "The only lead type is filled in",
        trigger: ".o_field_widget[name='lead_type_id'] input:value(Leads)",
    },
    ...chooseBuyer,
    {
        trigger: ".o_field_widget[name='price'] input",
        run: "edit 25.00",
    },
    {
        trigger: ".o_form_button_save",
        run: "click",
    },
    {
        content: "It is recorded, and waits",
        trigger: ".o_form_saved .o_field_widget[name='unbilled_reason']:contains(Next invoice)",
    },
    {
        trigger: ".o_back_button",
        run: "click",
    },
    {
        content: "Invoice it at once",
        trigger: ".o_form_view button[name='action_invoice']",
        run: "click",
    },
    {
        trigger: ".modal button[name='action_preview']",
        run: "click",
    },
    {
        content: "The preview has the buyer and the amount",
        trigger: `.modal .o_field_widget[name='line_ids']:contains(${buyer}):contains(25.00)`,
    },
    {
        trigger: ".modal button[name='action_invoice']",
        run: "click",
    },
    {
        content: "The run is done",
        trigger: ".o_form_view .o_field_widget[name='state']:contains(Done)",
    },
];

tours.add("lead_invoicing_first_invoice", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps("lead_invoicing.menu_root", "Open the app"),
        {
            content: "The overview says that something is left to set up",
            trigger: ".o_lead_overview [data-code='setup']:contains(Getting Started)",
        },
        {
            trigger: ".o_menu_sections [data-menu-xmlid='lead_invoicing.menu_invoicing']",
            run: "click",
        },
        {
            trigger: "[data-menu-xmlid='lead_invoicing.menu_invoices']",
            run: "click",
        },
        ...firstInvoice("First Buyer", [
            {
                content: "A buyer that is not there yet",
                trigger: ".o_field_widget[name='partner_id'] input",
                run: "edit First Buyer",
            },
            {
                trigger: ".ui-autocomplete a:contains(Create \"First Buyer\")",
                run: "click",
            },
        ]),
        {
            content: "Open its document",
            trigger: ".oe_stat_button[name='action_view_invoices']",
            run: "click",
        },
        {
            content: "The first invoice is a draft to look at",
            trigger: ".o_data_row:contains(First Buyer):contains(Draft)",
        },
    ],
});

tours.add("lead_invoicing_first_invoice_on_a_phone", {
    url: "/odoo/action-lead_invoicing.action_lead_invoices",
    steps: () => [
        ...firstInvoice("Buyer Two", [
            {
                content: "Choose a buyer from the cards",
                trigger: ".o_field_widget[name='partner_id'] input",
                run: "click",
            },
            {
                trigger: ".modal .o_kanban_record:contains(Buyer Two)",
                run: "click",
            },
        ]),
        {
            content: "Open its document, from the buyer's card",
            trigger: ".o_kanban_record button[name='action_view_invoices']",
            run: "click",
        },
        {
            content: "The first invoice is a draft to look at",
            trigger: ".o_kanban_record:contains(Buyer Two)",
        },
    ],
});
