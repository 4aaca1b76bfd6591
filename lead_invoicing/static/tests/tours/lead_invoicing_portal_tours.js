import { tours } from "@lead_invoicing/../tests/tours/tours";
import { documentIsLoaded, fits } from "@lead_invoicing/../tests/tours/fits";

/** A download must answer; a browser does not show what became of it. */
function downloads(name) {
    return {
        content: `Download as ${name}`,
        trigger: `a[name='lead_report_${name}']`,
        async run({ anchor }) {
            const response = await fetch(anchor.href);
            const content = await response.blob();
            if (!response.ok || !content.size) {
                throw new Error(`${anchor.href} answers ${response.status}`);
            }
        },
    };
}

// A buyer looks for a lead that was given back, on whatever screen there is.
tours.add("lead_invoicing_buyer_reads_the_report", {
    url: "/my",
    steps: () => [
        fits("The home page", ".o_portal_my_home"),
        {
            content: "Open the report",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/invoicing-report']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("The report", "section[name='lead_report_outlook']"),
        {
            content: "It says when the next invoice comes",
            trigger: "section[name='lead_report_outlook']:contains(Next invoice)",
        },
        {
            content: "Choose a lead type",
            trigger: "nav[aria-label='Lead type'] a:contains(Online Degree)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Choose the first day",
            trigger: "input[name='date_from']",
            run({ anchor }) {
                anchor.value = "2026-11-01";
            },
        },
        {
            content: "Choose returns",
            trigger: "select[name='transaction_type']",
            run: "selectByLabel Returns",
        },
        {
            content: "Look at the lead data there are",
            trigger: "details[name='lead_report_columns'] summary",
            run: "click",
        },
        fits("The lead data to choose from", "details[open] input[value='program']"),
        {
            content: "Leave out the email address",
            trigger: "details[open] input[value='email']:checked",
            run: "click",
        },
        {
            content: "Show them",
            trigger: "form[name='lead_report_choices'] button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "There is the return, with the data of its lead",
            trigger: "table[name='lead_report_table'] tbody:contains(Ada):contains(Wrong number)",
        },
        {
            content: "Without the address",
            trigger: "table[name='lead_report_table']:not(:contains(ada@byron.example))",
        },
        {
            content: "The total is that of the returns",
            trigger: "section[name='lead_report_totals']:contains(Returned)",
        },
        fits("The rows", "table[name='lead_report_table']"),
        {
            content: "Each is a line, on a phone a card",
            trigger: "table[name='lead_report_table'] tbody tr",
            run({ anchor }) {
                const { display } = getComputedStyle(anchor);
                if (display !== (innerWidth < 768 ? "grid" : "table-row")) {
                    throw new Error(`Rows are shown as ${display}`);
                }
            },
        },
        {
            content: "The choices are in the address",
            trigger: "table[name='lead_report_table']",
            run() {
                const chosen = new URLSearchParams(location.search);
                if (
                    chosen.get("date_from") !== "2026-11-01" ||
                    chosen.get("transaction_type") !== "return"
                ) {
                    throw new Error(`Choices are missing: ${location.search}`);
                }
            },
        },
        downloads("csv"),
        downloads("xlsx"),
    ],
});

// From an invoice, the buyer opens exactly its leads, and page after page of them.
tours.add("lead_invoicing_buyer_checks_an_invoice", {
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
            content: "Open its leads",
            trigger: "a[name='lead_report']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "They add up",
            trigger: "section[name='lead_report_totals']:contains(add up to)",
        },
        fits("Its leads", "table[name='lead_report_table']"),
        {
            content: "The first of them",
            trigger: "span[name='lead_report_position']:contains(1 to 50 of 55)",
        },
        {
            content: "Go to the next page",
            trigger: "nav[aria-label='Pages'] a:contains(2)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The last of them",
            trigger: "span[name='lead_report_position']:contains(51 to 55 of 55)",
        },
        {
            content: "Back to the invoice",
            trigger: ".breadcrumb a[href^='/my/invoices/']",
            run: "click",
            expectUnloadPage: true,
        },
        documentIsLoaded,
    ],
});

// What a buyer without leads, or with a wrong address, is told.
tours.add("lead_invoicing_buyer_is_told", {
    url: "/my/invoicing-report?date_from=yesterday",
    steps: () => [
        fits("What is wrong", "#lead_report_error:contains(is not a date)"),
        {
            content: "The field says so, too",
            trigger: "input[name='date_from'][aria-invalid='true']",
            run({ anchor }) {
                anchor.value = "2020-01-01";
            },
        },
        {
            content: "The last day, too",
            trigger: "input[name='date_to']",
            run({ anchor }) {
                anchor.value = "2020-01-31";
            },
        },
        {
            trigger: "form[name='lead_report_choices'] button[type='submit']",
            run: "click",
            expectUnloadPage: true,
        },
        fits("No leads on these days", "div[name='lead_report_empty']"),
        {
            trigger: "body:not(:has(#lead_report_error))",
        },
    ],
});
