import { registry } from "@web/core/registry";

// Milliseconds that a step may wait: a busy machine needs more than Odoo's ten seconds.
const PATIENCE = 60000;

/** Where tours are added, as in Odoo's registry, but patient. */
export const tours = {
    add(name, tour) {
        const steps = () =>
            tour.steps().map((step) => ({ timeout: PATIENCE, ...step }));
        registry.category("web_tour.tours").add(name, { ...tour, steps });
    },
};
