import { tours } from "@lead_invoicing/../tests/tours/tours";
import { fits } from "@lead_invoicing/../tests/tours/fits";

// A clerk ends a month: what is kept for review is looked at, approved, confirmed and sent.
for (const [device, row] of [
    ["desktop", ".o_data_row"],
    ["phone", ".o_kanban_record"],
]) {
    const inTable = `.o_field_widget[name='buyer_ids'] ${row}:contains(Buyer B)`;
    tours.add(`lead_invoicing_clerk_ends_the_month_${device}`, {
        steps: () => [
            fits("The run", ".o_form_view button.btn-link[name='action_review']"),
            {
                content: "It says why this buyer's draft is kept",
                trigger: `${inTable}:contains(zero price)`,
            },
            {
                content: "Approve it",
                trigger: `${inTable} button[name='action_approve']`,
                run: "click",
            },
            {
                content: "It waits to be posted",
                trigger: ".o_form_view button.btn-link[name='action_view_drafts']",
            },
            {
                content: "Confirm and send it",
                trigger: `${inTable} button[name='action_post_and_send']`,
                run: "click",
            },
            {
                content: "All is posted, nothing is left",
                trigger:
                    ".o_form_view:not(:has(button.btn-link[name='action_view_drafts'])) button.btn-link[name='action_view_posted']:contains(2)",
            },
            fits("The run", ".o_form_view"),
        ],
    });
}
