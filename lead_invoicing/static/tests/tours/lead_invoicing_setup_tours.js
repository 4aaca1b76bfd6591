import { tours } from "@lead_invoicing/../tests/tours/tours";
import { documentIsLoaded, fits } from "./fits";

/** A step: press a button of the list. */
const press = (name, content) => ({
    content,
    trigger: `.o_form_view button[name='${name}']:visible`,
    run: "click",
});
/** A step: the list shows this step, as all before it are done. */
const shows = (name) => ({
    content: `The list goes on with ${name}`,
    trigger: `.o_form_saved button[name='${name}']:visible`,
});
const type = (field, text) => ({
    trigger: `.modal .o_field_widget[name='${field}'] input`,
    run: `edit ${text}`,
});

// From an empty company to an invoice on its way, by what the screens say.
const firstInvoice = (chooseBuyer) => [
    {
        content: "The empty list tells where to begin",
        trigger: ".o_view_nocontent a[type='action']:contains(Get started)",
        run: "click",
    },
    shows("action_edit_company"),
    fits("Getting Started", ".o_form_saved"),
    press("action_edit_company", "Where the company is"),
    type("street", "500 Market Street"),
    type("city", "Springfield"),
    {
        content: "Odoo loads the page anew when a company changes",
        trigger: ".modal footer .btn-primary:contains(Save)",
        run: "click",
        expectUnloadPage: true,
    },
    press("action_confirm_zone", "The time zone that is proposed is right"),
    press("action_create_lead_type", "Take the lead type that is offered"),
    press("action_create_cycle", "Take the billing cycle that is offered"),
    press("action_test_mail", "Does mail leave?"),
    {
        content: "It does",
        trigger: ".o_field_widget[name='mail_result']:contains(accepted a test email)",
    },
    press("action_choose_team", "Who is here looks after exceptions"),
    press("action_add_buyer", "A buyer"),
    type("name", "First Buyer"),
    type("email", "first@buyer.example.com"),
    type("ref", "B-1"),
    {
        trigger: ".modal footer .btn-primary:contains(Save)",
        run: "click",
    },
    press("action_enter_sale", "Enter what was sold"),
    {
        content: "A reference is proposed",
        trigger: ".o_field_widget[name='external_ref'] input:value(M-)",
    },
    {
        content: "The only lead type is filled in",
        trigger: ".o_field_widget[name='lead_type_id'] input:value(Mortgage)",
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
        trigger: ".o_back_button, .breadcrumb-item a:contains(Getting Started)",
        run: "click",
    },
    press("action_invite", "Invite the buyer to the portal"),
    {
        trigger: ".modal button[name='action_grant_access']",
        run: "click",
    },
    {
        content: "The buyer is invited",
        trigger: ".modal button[name='action_revoke_access']",
    },
    {
        trigger: ".modal footer button:contains(Close)",
        run: "click",
    },
    press("action_invoice", "Invoice it at once"),
    {
        content: "Confirm and send it",
        trigger: ".modal .o_field_widget[name='posting'] input[data-value='send']",
        run: "click",
    },
    {
        trigger: ".modal button[name='action_preview']",
        run: "click",
    },
    {
        content: "The preview has the buyer and the amount",
        trigger: ".modal .o_field_widget[name='line_ids']:contains(First Buyer):contains(25.00)",
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
/** Steps, and at their end how many clicks they are. */
const counted = (steps) => [
    ...steps,
    {
        content: "Say how many clicks it took",
        trigger: "body",
        run() {
            const clicks = steps.filter((step) => step.run === "click").length;
            console.log(`lead_invoicing clicks: ${clicks}`);
        },
    },
];

tours.add("lead_invoicing_first_invoice", {
    url: "/odoo/action-lead_invoicing.action_lead_invoices",
    steps: () =>
        counted(
            firstInvoice([
                {
                    trigger: ".o_field_widget[name='partner_id'] input",
                    run: "edit First Buyer",
                },
                {
                    trigger:
                        ".ui-autocomplete a:contains(First Buyer):not(:contains(Create))",
                    run: "click",
                },
            ])
        ),
});

tours.add("lead_invoicing_first_invoice_on_a_phone", {
    url: "/odoo/action-lead_invoicing.action_lead_invoices",
    steps: () =>
        counted(
            firstInvoice([
                {
                    content: "Choose a buyer from the cards",
                    trigger: ".o_field_widget[name='partner_id'] input",
                    run: "click",
                },
                {
                    trigger: ".modal .o_kanban_record:contains(First Buyer)",
                    run: "click",
                },
            ])
        ),
});

tours.add("lead_invoicing_all_set_up", {
    url: "/odoo/lead-setup",
    steps: () => [
        {
            content: "All is done, and the invoice has left",
            trigger: ".o_form_saved .o_field_widget[name='invoice_summary']:contains(Sent)",
        },
        {
            content: "Nothing is left to do",
            trigger: ".o_field_widget[name='done_label']:contains(10 of 10)",
        },
    ],
});

tours.add("lead_invoicing_sample_leads", {
    url: "/odoo/lead-setup",
    steps: () => [
        press("action_try_sample", "Try it with sample leads"),
        {
            content: "Their invoices are there, marked",
            trigger: ".o_data_row:contains((Sample))",
        },
        {
            trigger: ".o_back_button, .breadcrumb-item a:contains(Getting Started)",
            run: "click",
        },
        press("action_remove_sample", "Remove them again"),
        {
            content: "They are gone",
            trigger: ".o_form_view button[name='action_try_sample']:visible",
        },
    ],
});

tours.add("lead_invoicing_first_buyer_reads", {
    url: "/my/invoices",
    steps: () => [
        {
            content: "The invoice is there",
            trigger: "a[href*='/my/invoices/']:contains(INV)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "And says what was bought",
            trigger: "#invoice_content, iframe#invoice_html, .o_portal_invoice_sidebar",
        },
        documentIsLoaded,
    ],
});
