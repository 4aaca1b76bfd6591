import { tours } from "@lead_invoicing/../tests/tours/tours";
import { fits } from "@lead_invoicing/../tests/tours/fits";

const accrue = [
    {
        content: "Say that the entry is meant",
        trigger: ".modal-footer button.btn-primary",
        run: "click",
    },
    {
        content: "The entry is there, and so is its reversal",
        trigger: ".o_form_view:has(.o_field_widget[name='accrual_move_id']) .o_field_widget[name='accrual_reversal_id']",
    },
];

tours.add("lead_invoicing_chief_closes", {
    steps: () => [
        {
            content: "Last month is closed: it says what was unbilled at its end",
            trigger:
                ".o_field_widget[name='total_ids'] .o_data_row:contains(Unbilled at the end):contains(31.00)",
        },
        fits("The close", ".o_form_view .o_field_widget[name='control_sum_ids']"),
        {
            content: "What differs from the month before?",
            trigger: "button[name='action_view_differences']",
            run: "click",
        },
        {
            trigger:
                ".o_searchview_facet:contains(Only Differences), .o_searchview:contains(Only Differences)",
        },
        {
            trigger: ".o_group_header:contains(Unbilled at the end)",
            run: "click",
        },
        {
            trigger: ".o_group_header:contains(Buyer C)",
            run: "click",
        },
        {
            content: "Which leads are these?",
            trigger: ".o_data_row:contains(Buyer C) button[name='action_view_sales']",
            run: "click",
        },
        {
            content: "Open one of them",
            trigger: ".o_list_view:contains(11.00) .o_data_row:contains(20.00) td[name='date']",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name='unbilled_reason']",
        },
    ],
});

tours.add("lead_invoicing_chief_accrues", {
    steps: () => [
        {
            content: "Take the figures along",
            trigger: "button[name='action_xlsx']",
            run: "click",
        },
        {
            content: "Accrue what was unbilled",
            trigger: "button[name='action_accrue']",
            run: "click",
        },
        ...accrue,
        {
            content: "It can be made once",
            trigger: ".o_form_view:not(:has(button[name='action_accrue']))",
        },
    ],
});

tours.add("lead_invoicing_chief_closes_on_a_phone", {
    steps: () => [
        {
            content: "Last month is closed: open what was unbilled at its end",
            trigger:
                ".o_field_widget[name='total_ids'] .o_kanban_record:contains(Unbilled at the end):contains(31.00) a",
        },
        fits("The close", ".o_form_view .o_field_widget[name='total_ids']"),
        {
            content: "What differs from the month before?",
            trigger: "button[name='action_view_differences']",
            run: "click",
        },
        {
            trigger: ".o_kanban_view, .o_list_view",
        },
        fits("The differences", ".o_kanban_view, .o_list_view"),
    ],
});

tours.add("lead_invoicing_chief_drills_on_a_phone", {
    steps: () => [
        {
            trigger:
                ".o_field_widget[name='total_ids'] .o_kanban_record:contains(Unbilled at the end):contains(31.00) a",
            run: "click",
        },
        {
            content: "Its leads",
            trigger: ".o_kanban_record:contains(20.00)",
            run: "click",
        },
        fits("The lead", ".o_form_view .o_field_widget[name='unbilled_reason']"),
    ],
});

tours.add("lead_invoicing_chief_accrues_on_a_phone", {
    steps: () => [
        {
            trigger: ".o_statusbar_buttons .dropdown-toggle, .o_statusbar_buttons button.o-dropdown",
            run: "click",
        },
        {
            trigger: "button[name='action_accrue']",
            run: "click",
        },
        ...accrue,
        fits("The close that is accrued", ".o_field_widget[name='accrual_move_id']"),
    ],
});
