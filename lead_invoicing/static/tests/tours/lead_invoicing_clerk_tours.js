import { tours } from "@lead_invoicing/../tests/tours/tours";
import { fits } from "@lead_invoicing/../tests/tours/fits";

/** What the wizard shows before it makes anything, and then makes. */
const previewAndInvoice = [
    {
        content: "Look before anything is made",
        trigger: ".modal button[name='action_preview']",
        run: "click",
    },
    {
        content: "The buyer would be invoiced what is unbilled",
        trigger: ".modal .o_field_widget[name='line_ids']:contains(Buyer C):contains(31.00)",
    },
    {
        content: "What is left out says why",
        trigger: ".modal .o_field_widget[name='line_ids']:contains(After the last day)",
    },
    fits("The preview", ".modal .o_field_widget[name='summary']:contains(purchased: 2)"),
    {
        content: "Post it",
        trigger: ".modal .o_field_widget[name='posting'] .o_radio_item:contains(Confirm) input",
        run: "click",
    },
    {
        content: "Make it",
        trigger: ".modal button[name='action_invoice']",
        run: "click",
    },
    fits("The run", ".o_form_view .o_field_widget[name='state']:contains(Done)"),
    {
        content: "It says what it billed",
        trigger: ".o_field_widget[name='amount_summary']:contains(31.00)",
    },
];

tours.add("lead_invoicing_clerk_invoices_by_hand", {
    steps: () => [
        {
            content: "Who has something unbilled?",
            trigger: ".o_data_row:contains(Buyer C) td[name='lead_unbilled_amount']:contains(44.00)",
        },
        {
            content: "Choose this buyer",
            trigger: ".o_data_row:contains(Buyer C) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button:contains(Invoice Leads)",
            run: "click",
        },
        ...previewAndInvoice,
        {
            content: "Look at the leads behind the number",
            trigger: ".oe_stat_button[name='action_view_purchased']:contains(2)",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Invoiced) + .o_data_row:contains(Invoiced)",
        },
    ],
});

tours.add("lead_invoicing_clerk_invoices_by_hand_on_a_phone", {
    steps: () => [
        fits("The buyers", ".o_kanban_record:contains(Buyer C):contains(44.00)"),
        {
            trigger: ".o_kanban_record:contains(Buyer C)",
            run: "click",
        },
        {
            trigger: ".o_form_view a.nav-link[name='lead_invoicing']",
            run: "click",
        },
        fits("The buyer", ".o_field_widget[name='lead_unbilled_amount']:contains(44.00)"),
        {
            trigger: "button:contains(Invoice Now)",
            run: "click",
        },
        ...previewAndInvoice,
    ],
});

tours.add("lead_invoicing_clerk_reviews", {
    steps: () => [
        {
            content: "What looks wrong says why",
            trigger: ".o_data_row td[name='lead_review_reason']:contains(zero price)",
        },
        {
            content: "Choose them all",
            trigger: ".o_list_view thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Confirm and send them together",
            trigger: ".o_control_panel button[name='action_lead_post_and_send']",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(Documents confirmed: 2)",
        },
        {
            content: "Nothing is left to review",
            trigger: ".o_view_nocontent:contains(Nothing to review)",
        },
    ],
});

tours.add("lead_invoicing_clerk_reviews_on_a_phone", {
    steps: () => [
        fits("The drafts", ".o_kanban_record:contains(Buyer D):contains(zero price)"),
        {
            trigger: ".o_kanban_record:contains(Buyer D)",
            run: "click",
        },
        fits("The draft", ".o_form_view .alert:contains(zero price)"),
        {
            content: "Open the buttons",
            trigger: ".o_statusbar_buttons .dropdown-toggle, .o_statusbar_buttons button.o-dropdown",
            run: "click",
        },
        {
            trigger: "button[name='action_lead_post_and_send']",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(Documents confirmed: 1)",
        },
        {
            content: "It is posted",
            trigger: ".o_form_view:not(:has(.alert:contains(zero price)))",
        },
    ],
});

const giveReason = (title, reason, button) => [
    {
        trigger: `.modal:contains(${title}) .o_field_widget[name='reason'] input`,
        run: `edit ${reason}`,
    },
    fits(title, `.modal button[name='action_confirm']:contains(${button})`),
    {
        trigger: `.modal button[name='action_confirm']:contains(${button})`,
        run: "click",
    },
];

tours.add("lead_invoicing_manager_waives", {
    steps: () => [
        {
            content: "What goes on the next invoice",
            trigger: ".o_group_header:contains(Next invoice):contains(44.00)",
            run: "click",
        },
        {
            content: "One row a buyer",
            trigger: ".o_group_header:contains(Buyer C):contains(44.00)",
            run: "click",
        },
        {
            content: "Open what waits of a buyer",
            trigger: ".o_data_row:contains(Buyer C):contains(Next invoice) button[name='action_view_sales']",
            run: "click",
        },
        {
            content: "Choose one",
            trigger: ".o_data_row:contains(13.00) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name='action_waive']",
            run: "click",
        },
        ...giveReason("Waive", "Goodwill", "Waive"),
        {
            content: "It is no longer unbilled; show what is waived",
            trigger: ".o_list_view:not(:has(.o_data_row:contains(13.00)))",
        },
    ],
});

tours.add("lead_invoicing_manager_takes_back", {
    steps: () => [
        {
            content: "The form tells who decided, and why",
            trigger: ".o_form_view .o_field_widget[name='waiver_ids']:contains(Goodwill)",
        },
        {
            trigger: "button[name='action_unwaive']",
            run: "click",
        },
        ...giveReason("Undo Waiver", "A mistake", "Undo Waiver"),
        {
            trigger: ".o_form_view .o_field_widget[name='waiver_ids']:contains(A mistake)",
        },
        {
            content: "It waits for the next invoice again",
            trigger: ".o_form_view .o_field_widget[name='unbilled_reason']:contains(Next invoice)",
        },
    ],
});

tours.add("lead_invoicing_manager_waives_on_a_phone", {
    steps: () => [
        fits("The sale", ".o_form_view .o_field_widget[name='unbilled_reason']"),
        {
            trigger: "button[name='action_waive']",
            run: "click",
        },
        ...giveReason("Waive", "Goodwill", "Waive"),
        fits("The waived sale", ".o_field_widget[name='waiver_ids']:contains(Goodwill)"),
        {
            trigger: "button[name='action_unwaive']",
            run: "click",
        },
        ...giveReason("Undo Waiver", "A mistake", "Undo Waiver"),
        {
            trigger: ".o_form_view .o_field_widget[name='unbilled_reason']:contains(Next invoice)",
        },
    ],
});
