import { tours } from "@lead_invoicing/../tests/tours/tours";
import { documentIsLoaded, fits } from "@lead_invoicing/../tests/tours/fits";

// From the log-in to the leads of an invoice: what a buyer opens the portal for.
tours.add("lead_invoicing_buyer_comes_home", {
    url: "/web/login?redirect=/my",
    steps: () => [
        {
            content: "Log in",
            trigger: ".oe_login_form input[name='login']",
            run: "edit tour_buyer",
        },
        {
            trigger: ".oe_login_form input[name='password']",
            run: "edit tour_buyer",
        },
        {
            trigger: ".oe_login_form button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Open the lead account",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/leads']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The lead account", "section[name='lead_home_owed']"),
        {
            content: "It says what is coming",
            trigger: "section[name='lead_home_coming']:contains(Not invoiced yet)",
        },
        {
            content: "Look at the months as a table",
            trigger: "details[name='lead_home_months_table'] summary",
            run: "click",
        },
        fits("The months as a table", "details[open] table"),
        {
            content: "Look at what is owed",
            trigger: "a[name='lead_home_open_USD']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The open invoices", "table[name='lead_documents']"),
        {
            content: "Open the invoice",
            trigger: "table[name='lead_documents'] a:contains(INV/)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It says how to pay",
            trigger: "section[name='lead_how_to_pay']",
        },
        documentIsLoaded,
        {
            content: "Open its leads",
            trigger: "a[name='lead_report']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("Its leads", "table[name='lead_report_table']"),
        {
            content: "On a phone, the price stands out and says its currency",
            trigger: "td[data-name='amount']",
            run({ anchor }) {
                const { content } = getComputedStyle(anchor, "::after");
                if (content.includes("USD") !== innerWidth < 768) {
                    throw new Error(`The currency is told as ${content}`);
                }
            },
        },
        {
            content: "The first column stays, however far the others are scrolled",
            trigger: "td.o_lead_stays",
            run({ anchor }) {
                const { position } = getComputedStyle(anchor);
                if ((position === "sticky") !== innerWidth >= 768) {
                    throw new Error(`The first column is ${position}`);
                }
            },
        },
        {
            content: "Download them",
            trigger: "a[name='lead_report_csv']",
            async run({ anchor }) {
                const response = await fetch(anchor.href);
                if (!response.ok || !(await response.text()).includes("Auto Insurance")) {
                    throw new Error(`${anchor.href} answers ${response.status}`);
                }
            },
        },
        {
            content: "Back to the account",
            trigger: ".breadcrumb a[href='/my/leads']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "section[name='lead_home_owed']",
        },
    ],
});
