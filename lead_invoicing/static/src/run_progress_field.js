import { onMounted, onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import {
    ProgressBarField,
    progressBarField,
} from "@web/views/fields/progress_bar/progress_bar_field";

// A batch of buyers takes about this long.
const PAUSE = 2000;

/** The progress of a run that goes on in the background: it is looked at again and again
 * for as long as it is shown, which is as long as the run is running. */
export class RunProgressField extends ProgressBarField {
    setup() {
        super.setup();
        onMounted(() => this.schedulePoll());
        onWillUnmount(() => {
            this.isUnmounted = true;
            browser.clearTimeout(this.timeout);
        });
    }

    schedulePoll() {
        this.timeout = browser.setTimeout(() => this.poll(), PAUSE);
    }

    async poll() {
        await this.props.record.load();
        if (!this.isUnmounted) {
            this.schedulePoll();
        }
    }
}

registry.category("fields").add("lead_run_progress", {
    ...progressBarField,
    component: RunProgressField,
});
