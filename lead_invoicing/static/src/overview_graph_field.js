import { registry } from "@web/core/registry";
import { cookie } from "@web/core/browser/cookie";
import { getColor, getCustomColor } from "@web/core/colors/colors";
import { JournalDashboardGraphField } from "@web/views/fields/journal_dashboard_graph/journal_dashboard_graph_field";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * The journal dashboard's graph with several datasets: stacked bars, or a line, as its
 * data says. Amounts are texts already, so that each is in its own currency.
 */
export class LeadOverviewGraphField extends JournalDashboardGraphField {
    static template = "lead_invoicing.OverviewGraphField";
    static props = standardFieldProps;

    renderChart() {
        this.chart?.destroy();
        this.chart = new Chart(this.canvasRef.el, this.getConfig());
    }

    getConfig() {
        const { type } = this.data;
        const scheme = cookie.get("color_scheme");
        const labelColor = getCustomColor(scheme, "#111827", "#E4E4E4");
        const datasets = this.data.datasets.map((dataset, index) => ({
            label: dataset.label,
            data: dataset.values,
            texts: dataset.texts,
            stack: dataset.stack,
            backgroundColor: getColor(index, scheme, this.data.datasets.length),
            borderColor: getColor(index, scheme, this.data.datasets.length),
            borderWidth: type === "line" ? 2 : 0,
            spanGaps: true,
        }));
        const ticks = { color: labelColor, maxRotation: 0, autoSkipPadding: 8 };
        const stacked = type === "bar";
        return {
            type,
            data: { labels: this.data.labels, datasets },
            options: {
                animation: false,
                maintainAspectRatio: false,
                interaction: { mode: "index", intersect: false },
                plugins: {
                    legend: {
                        display: datasets.length > 1,
                        position: "bottom",
                        labels: { boxWidth: 10, boxHeight: 10, color: labelColor },
                        onClick: () => {},
                    },
                    tooltip: {
                        caretSize: 0,
                        filter: (item) => item.raw,
                        callbacks: {
                            label: (item) =>
                                `${item.dataset.label}: ${item.dataset.texts[item.dataIndex]}`,
                        },
                    },
                },
                scales: {
                    x: { stacked, ticks, grid: { display: false } },
                    y: {
                        stacked,
                        beginAtZero: true,
                        ticks: { ...ticks, maxTicksLimit: 4 },
                    },
                },
            },
        };
    }
}

export const leadOverviewGraphField = {
    component: LeadOverviewGraphField,
    supportedTypes: ["text"],
};

registry.category("fields").add("lead_overview_graph", leadOverviewGraphField);
