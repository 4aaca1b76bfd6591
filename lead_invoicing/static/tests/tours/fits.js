/**
 * A step: neither the page, nor what scrolls or opens on it, is wider than the screen.
 * What is too wide scrolls by itself.
 */
export function fits(content, trigger) {
    return {
        content: `${content} fits the screen`,
        trigger,
        run() {
            const page = document.documentElement;
            if (page.scrollWidth > page.clientWidth) {
                throw new Error(`${content}: ${page.scrollWidth} pixels wide`);
            }
            // Odoo's own are rounded up by a pixel.
            for (const part of document.querySelectorAll(".o_content, .modal-body")) {
                if (part.scrollWidth > part.clientWidth + 1) {
                    throw new Error(`${content}: ${part.scrollWidth} pixels wide`);
                }
            }
        },
    };
}

/** All of a document's page is there: a browser that leaves it before complains of what
 * it did not get. */
export const documentIsLoaded = {
    content: "All of the page is there",
    trigger: "#chatterRoot:shadow .o-mail-Chatter",
};
