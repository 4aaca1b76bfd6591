import { tours } from "@lead_invoicing/../tests/tours/tours";
import { fits } from "@lead_invoicing/../tests/tours/fits";

// On a phone, the buttons of a form are behind one.
const openButtons = {
    content: "Open the buttons",
    trigger:
        ".o_statusbar_buttons .dropdown-toggle, .o_statusbar_buttons button.o-dropdown",
    run: "click",
};

/** A wrong invoice is reversed, and its leads are invoiced again on a new one. */
const reverseAndInvoice = (isPhone) => [
    fits("The invoice", ".o_form_view .o_field_widget[name='lead_sale_count'], .o_form_view"),
    ...(isPhone ? [openButtons] : []),
    {
        content: "Credit it",
        trigger: "button[name='action_reverse']",
        run: "click",
    },
    {
        content: "Say why",
        trigger: ".modal .o_field_widget[name='reason'] input",
        run: "edit Wrong address",
    },
    fits("The wizard", ".modal button[name='modify_moves']"),
    {
        content: "Reverse it, and invoice again",
        trigger: ".modal button[name='modify_moves']",
        run: "click",
    },
    fits(
        "The new draft says what it replaces",
        ".o_form_view .o_field_widget[name='lead_outcome']:contains(Replaces)"
    ),
    ...(isPhone ? [openButtons] : []),
    {
        content: "Post it",
        trigger: "button[name='action_post']:not(.d-none)",
        run: "click",
    },
    {
        content: "It is posted",
        trigger: ".o_form_view .o_field_widget[name='name']:contains(INV/)",
    },
];

tours.add("lead_invoicing_clerk_reverses_and_invoices", {
    steps: () => reverseAndInvoice(false),
});

tours.add("lead_invoicing_clerk_reverses_and_invoices_on_a_phone", {
    steps: () => reverseAndInvoice(true),
});
