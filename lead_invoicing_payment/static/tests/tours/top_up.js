import { tours } from "@lead_invoicing/../tests/tours/tours";
import { fits } from "@lead_invoicing/../tests/tours/fits";

// A buyer pays in, and sees its balance move.
tours.add("lead_invoicing_buyer_tops_up", {
    url: "/my",
    steps: () => [
        {
            content: "Open the top-up page",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/lead-top-up']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The top-up page", "table[name='lead_top_ups']"),
        {
            content: "Enter an amount",
            trigger: "input[name='amount']",
            run: "edit 250",
        },
        {
            content: "Pay online",
            trigger: "button[name='lead_top_up_online']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The amount is right",
            trigger: "#o_payment_summary_amount:contains(250.00)",
        },
        {
            content: "Enter the card",
            trigger: "#customer_input",
            run: "edit 4242",
        },
        {
            content: "Pay",
            trigger: "button[name='o_payment_submit_button']:not(:disabled)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It was received",
            trigger: "[name='lead_top_up_paid']:contains(250.00)",
            timeout: 30000,
        },
        {
            content: "The balance moved",
            trigger: "[name='lead_balances']:contains(250.00)",
        },
    ],
});
