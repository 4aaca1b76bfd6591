import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { BaseImportModel } from "@base_import/import_model";

const SEPARATORS = ["float_thousand_separator", "float_decimal_separator"];

/**
 * The import of lead transactions guesses nothing: separators are chosen or left open, a
 * time zone can be chosen,
 * each date column says in which zone it is read, and rows that were recorded before are
 * told of without being an error.
 */
patch(BaseImportModel.prototype, {
    setResModel(resModel) {
        super.setResModel(...arguments);
        if (resModel !== "lead.sale") {
            return;
        }
        for (const name of SEPARATORS) {
            this.importOptionsValues[name].value = "";
        }
        this.importOptionsValues.float_decimal_separator.options.unshift({
            value: "",
            label: _t("Not chosen"),
        });
        const tz = {
            label: _t("Time Zone:"),
            help: _t(
                "For days, and for times without an offset, such as America/New_York. Leave empty to use the company's billing time zone."
            ),
            type: "input",
            value: "",
        };
        this.formattingOptionsValues.tz = tz;
        this.importOptionsValues.tz = tz;
    },

    async _callImport() {
        const result = await super._callImport(...arguments);
        if (result.lead_notice) {
            this._addMessage("info", [result.lead_notice]);
            this.notificationService.add(result.lead_notice, {type: "info"});
        }
        return result;
    },

    _updateComments() {
        super._updateComments(...arguments);
        for (const column of this.columns) {
            if (column.fieldInfo?.lead_comment) {
                column.comments.push({
                    type: "info",
                    content: column.fieldInfo.lead_comment,
                });
            }
        }
    },
});
