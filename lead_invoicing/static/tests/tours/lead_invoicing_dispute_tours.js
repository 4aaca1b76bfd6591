import { tours } from "@lead_invoicing/../tests/tours/tours";
import { documentIsLoaded, fits } from "@lead_invoicing/../tests/tours/fits";

// A buyer disputes two leads of an invoice, on whatever screen there is.
tours.add("lead_invoicing_buyer_disputes_leads", {
    url: "/my/invoices",
    steps: () => [
        {
            content: "Open the invoice",
            trigger: ".o_portal_my_doc_table a:contains(INV/)",
            run: "click",
            expectUnloadPage: true,
        },
        documentIsLoaded,
        {
            content: "Dispute it",
            trigger: "a[name='lead_dispute']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("What can be disputed", "form[name='lead_dispute_form']"),
        {
            content: "Choose a lead",
            trigger: "ul[name='lead_dispute_leads'] li:contains(L1) label",
            run: "click",
        },
        {
            content: "Choose another one",
            trigger: "ul[name='lead_dispute_leads'] li:contains(L2) label",
            run: "click",
        },
        {
            content: "Say why",
            trigger: "textarea[name='reason']",
            run: "edit Nobody ever answers",
        },
        {
            content: "Send it",
            trigger: "button:contains(Send Dispute)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is open",
            trigger: "div[name='lead_dispute_card']:contains(Nobody ever answers):contains(Open)",
        },
        fits(
            "The rest is to be paid",
            "div[name='lead_dispute_notice']:contains(remaining)"
        ),
        documentIsLoaded,
    ],
});

// A clerk accepts a dispute and rejects another one, with an answer.
tours.add("lead_invoicing_clerk_decides_disputes", {
    steps: () => [
        {
            content: "Open the first one",
            trigger: ".o_data_row td[name='scope']:contains(An amount)",
            run: "click",
        },
        {
            content: "It cannot be rejected without an answer",
            trigger: "button[name='action_reject']",
            run: "click",
        },
        {
            trigger: ".modal:contains(Enter an answer) .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "Answer",
            trigger: ".o_field_widget[name='answer'] textarea",
            run: "edit The region was agreed",
        },
        {
            trigger: "button[name='action_reject']",
            run: "click",
        },
        {
            content: "It is rejected",
            trigger: ".o_field_widget[name='decided_by_id']",
        },
        {
            content: "Back to the list",
            trigger: ".breadcrumb-item:contains(Disputes) a",
            run: "click",
        },
        {
            trigger: ".o_data_row td[name='scope']:contains(Certain leads)",
            run: "click",
        },
        {
            trigger: "button[name='action_accept']",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "Look at what is returned",
            trigger: ".oe_stat_button[name='action_view_returns']",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(DIS-)",
        },
    ],
});

tours.add("lead_invoicing_clerk_decides_a_dispute_on_a_phone", {
    steps: () => [
        fits("The disputes", ".o_kanban_record:contains(Buyer A)"),
        {
            trigger: ".o_kanban_record:contains(12.00)",
            run: "click",
        },
        fits("The dispute", ".o_form_view .o_field_widget[name='reason']"),
        {
            content: "Open the buttons",
            trigger:
                ".o_statusbar_buttons .dropdown-toggle, .o_statusbar_buttons button.o-dropdown",
            run: "click",
        },
        {
            trigger: "button[name='action_accept']",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "It is decided",
            trigger: ".o_field_widget[name='decided_by_id']",
        },
    ],
});

const closeAccount = [
    {
        content: "Close the account",
        trigger: "button[name='action_close_account']",
        run: "click",
    },
    fits("What that does", ".modal:contains(To Be Billed Now)"),
    {
        content: "All that is unbilled is shown",
        trigger: ".modal:contains(Online Degree)",
    },
    {
        trigger: ".modal button[name='action_close']",
        run: "click",
    },
    {
        content: "It says what is owed",
        trigger: ".o_form_view .o_field_widget[name='owed']:contains(owe)",
    },
    {
        content: "Open it again",
        trigger: "button[name='action_reopen']",
        run: "click",
    },
    {
        trigger: ".o_field_widget[name='reopened_by_id']",
    },
];

tours.add("lead_invoicing_clerk_closes_an_account", {
    steps: () => [
        {
            trigger: ".o_form_view a.nav-link[name='lead_invoicing']",
            run: "click",
        },
        ...closeAccount,
    ],
});
