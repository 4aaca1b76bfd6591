import { tours } from "@lead_invoicing/../tests/tours/tours";
import { documentIsLoaded, fits } from "@lead_invoicing/../tests/tours/fits";

// A buyer disputes a part of an invoice, and pays the rest of it, on whatever screen.
tours.add("lead_invoicing_buyer_disputes_and_pays", {
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
        {
            content: "Choose a lead",
            trigger: "ul[name='lead_dispute_leads'] li:contains(L1) label",
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
        fits(
            "What remains to be paid",
            "div[name='lead_dispute_notice']:contains(remaining):contains(30.00)"
        ),
        {
            content: "Pay it",
            trigger: "a[data-bs-target='#pay_with']:visible",
            run: "click",
        },
        {
            content: "The rest is asked for",
            trigger: "#pay_with.show .tab-pane.active:contains(30.00), #pay_with.show:contains(30.00)",
        },
        {
            content: "Enter the card",
            trigger: "#pay_with.show #customer_input:visible",
            run: "edit 4242",
        },
        fits("The payment", "#pay_with.show"),
        {
            content: "Pay",
            trigger:
                "#pay_with.show button[name='o_payment_submit_button']:not(:disabled):visible",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The dispute stays open",
            trigger: "div[name='lead_dispute_card']:contains(Nobody ever answers):contains(Open)",
            timeout: 30000,
        },
        documentIsLoaded,
    ],
});
