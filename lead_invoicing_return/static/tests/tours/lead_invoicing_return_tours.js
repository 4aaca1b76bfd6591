import { tours } from "@lead_invoicing/../tests/tours/tours";
import { fits } from "@lead_invoicing/../tests/tours/fits";

/** Choose a file, as a person does in the browser's own dialog. */
function chooses(content, text) {
    return {
        content,
        trigger: "input[type='file'][name='file']",
        run({ anchor }) {
            const files = new DataTransfer();
            files.items.add(new File([text], "leads.csv", { type: "text/csv" }));
            anchor.files = files.files;
            anchor.dispatchEvent(new Event("change", { bubbles: true }));
        },
    };
}

// A buyer asks for returns with a file, and looks at what became of them.
tours.add("lead_invoicing_return_buyer_asks", {
    url: "/my",
    steps: () => [
        {
            content: "Open the requests",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/return-requests']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The empty list", ".alert:contains(have not asked)"),
        {
            content: "Ask for returns",
            trigger: "a[name='lead_returns_new']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The form", "form[name='lead_returns']"),
        chooses("Choose a file", "Lead,Name\nL1,Ada\nL2,Bob\nL9,Eve\n"),
        {
            content: "Say why",
            trigger: "select[name='reason_id']",
            run: "selectByLabel Wrong number",
        },
        {
            trigger: "textarea[name='note']",
            run: "edit Nobody answers.",
        },
        {
            content: "Send it",
            trigger: "form[name='lead_returns'] button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("What became of it", "[name='lead_returns_made']:contains(2)"),
        {
            content: "The one that was never purchased is told",
            trigger: "table[name='lead_returns_others']:contains(L9):contains(purchased no lead)",
        },
        {
            content: "Look at the list",
            trigger: "a:contains(View your return requests)",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The list", "table[name='lead_returns_table']:contains(L1):contains(Wrong number)"),
    ],
});

// It compares its own list, and asks for what it did not receive.
tours.add("lead_invoicing_return_buyer_compares", {
    url: "/my/compare-leads",
    steps: () => [
        fits("The form", "form[name='lead_comparison']"),
        chooses("Choose a file", "Lead,Price\nL1,10.00\nL2,8.00\nL9,10.00\n"),
        {
            content: "From the first day",
            trigger: "input[name='date_from']",
            run({ anchor }) {
                anchor.value = "2026-11-01";
            },
        },
        {
            content: "Compare",
            trigger: "form[name='lead_comparison'] button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The differences", "section[name='lead_not_received']:contains(L3)"),
        {
            content: "One was not charged",
            trigger: "section[name='lead_not_charged']:contains(L9)",
        },
        {
            content: "Ask to return what was not received",
            trigger: "section[name='lead_not_received'] input[type='checkbox']",
            run: "click",
        },
        {
            content: "And the difference in price",
            trigger: "section[name='lead_other_price'] input[type='checkbox']",
            run: "click",
        },
        {
            trigger: "form[name='lead_comparison_returns'] button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("What became of it", "[name='lead_returns_made']:contains(2)"),
    ],
});

/** Say why, and what becomes of it. */
const declines = [
    {
        content: "Say why",
        trigger: ".modal .o_field_widget[name='answer'] textarea",
        run: "edit We reached her.",
    },
    fits("The dialog", ".modal button[name='action_confirm']:contains(Decline)"),
    {
        trigger: ".modal button[name='action_confirm']:contains(Decline)",
        run: "click",
    },
    fits("The request", ".o_form_view .o_field_widget[name='state']:contains(Declined)"),
];

// A clerk accepts many, and declines one.
tours.add("lead_invoicing_return_clerk_decides", {
    steps: () => [
        fits("The list", ".o_data_row:contains(L1):contains(Nobody answers)"),
        {
            content: "Choose two",
            trigger: ".o_data_row:contains(L1) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(L2) .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Accept them",
            trigger: ".o_control_panel button[name='action_accept']",
            run: "click",
        },
        {
            content: "They are decided",
            trigger: ".o_list_view:not(:has(.o_data_row:contains(L1)))",
        },
        {
            content: "Open the last one",
            trigger: ".o_data_row:contains(L3) td[name='sale_ref']",
            run: "click",
        },
        {
            content: "Decline it",
            trigger: ".o_form_view button[name='action_open_decline']",
            run: "click",
        },
        ...declines,
    ],
});

// The same on a phone, one by one.
tours.add("lead_invoicing_return_clerk_decides_on_a_phone", {
    steps: () => [
        fits("The cards", ".o_kanban_record:contains(To decide)"),
        {
            content: "Open one",
            trigger: ".o_kanban_record:contains(To decide)",
            run: "click",
        },
        {
            content: "There are more buttons",
            trigger: ".o_statusbar_buttons button[title='More']",
            run: "click",
        },
        {
            content: "Decline it",
            trigger: ".o-dropdown--menu button[name='action_open_decline']",
            run: "click",
        },
        ...declines,
    ],
});
