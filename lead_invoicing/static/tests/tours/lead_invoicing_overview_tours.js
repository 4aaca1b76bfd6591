import { tours } from "@lead_invoicing/../tests/tours/tours";
import { stepUtils } from "@web_tour/tour_utils";
import { fits } from "@lead_invoicing/../tests/tours/fits";

const card = (code) => `.o_lead_overview .o_kanban_record [data-code='${code}']`;

// A clerk's day begins: what needs a person, and the records behind it.
tours.add("lead_invoicing_clerk_begins", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps("lead_invoicing.menu_root", "Open the app"),
        {
            content: "What is fine says so",
            trigger: `${card("not_delivered")}:contains(Everything was delivered)`,
        },
        fits("The overview", card("failed")),
        {
            content: "A buyer could not be invoiced, for so much",
            trigger: `${card("failed")}:contains(Could Not Be Invoiced):contains(1):contains(20.00)`,
        },
        {
            content: "Open what it is",
            trigger: `${card("failed")} a:contains(Could Not Be Invoiced)`,
            run: "click",
        },
        {
            content: "It is the buyer, and the reason",
            trigger: ".o_data_row:contains(Buyer B):contains(is archived)",
        },
        {
            content: "Back to the overview",
            trigger: ".breadcrumb-item a:contains(Overview), .o_back_button",
            run: "click",
        },
        {
            content: "Open its money",
            trigger: `${card("failed")} a:contains(20.00)`,
            run: "click",
        },
        {
            content: "It is what waits of the buyer",
            trigger: ".o_list_view .o_data_row:contains(Buyer B):contains(20.00)",
        },
        {
            trigger: ".breadcrumb-item a:contains(Overview), .o_back_button",
            run: "click",
        },
        {
            content: "Open what was billed",
            trigger: `${card("billed")} canvas`,
            run: "click",
        },
        {
            content: "It is a graph",
            trigger: ".o_graph_view .o_graph_canvas_container canvas",
        },
    ],
});

tours.add("lead_invoicing_clerk_begins_on_a_phone", {
    url: "/odoo/lead-overview",
    steps: () => [
        fits("The overview", `${card("failed")}:contains(20.00)`),
        {
            content: "The pictures are there, too",
            trigger: `${card("billed")} canvas`,
        },
        {
            content: "Open the buyer that could not be invoiced",
            trigger: `${card("failed")} a:contains(Could Not Be Invoiced)`,
            run: "click",
        },
        fits("What could not be invoiced", ".o_kanban_record:contains(Buyer B)"),
    ],
});
