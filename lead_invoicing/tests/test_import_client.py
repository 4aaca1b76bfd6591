from odoo.tests import HttpCase, tagged

# The model behind Odoo's import screen, without the screen.
CODE = """
(async () => {
    const { BaseImportModel } = odoo.loader.modules.get("@base_import/import_model");
    const newModel = (resModel) => {
        const model = Object.create(BaseImportModel.prototype);
        const newOption = (value) => ({ value, options: [] });
        model.importOptionsValues = {
            float_thousand_separator: newOption(","),
            float_decimal_separator: newOption("."),
        };
        model.formattingOptionsValues = {};
        model.importMessages = [];
        model.fieldsToHandle = {};
        model.notificationService = { add: () => {} };
        model.setResModel(resModel);
        return model;
    };
    const assert = (truth, message) => {
        if (!truth) {
            throw new Error(message);
        }
    };
    const getDecimal = (model) => model.importOptionsValues.float_decimal_separator;
    const sales = newModel("lead.sale");
    assert(getDecimal(sales).value === "", "no separator is chosen");
    assert(getDecimal(sales).options[0].value === "", "it can be left open");
    assert(sales.importOptionsValues.tz.value === "", "a zone can be chosen");
    assert(getDecimal(newModel("res.partner")).value === ".", "others as before");

    const fieldInfo = { type: "datetime", fieldPath: "date", lead_comment: "In Tokyo" };
    sales.columns = [{ fieldInfo }, { fieldInfo: null }];
    sales._updateComments();
    assert(sales.columns[0].comments[0].content === "In Tokyo", "the zone is told");

    Object.defineProperty(sales, "importOptions", { value: {} });
    sales.orm = { silent: { call: async () => ({ messages: [], lead_notice: "2" }) } };
    await sales._callImport(false, []);
    assert(sales.importMessages[0].type === "info", "what was recorded is told");
    console.log("test successful");
})().catch((error) => console.error(error.message));
"""


@tagged("post_install", "-at_install")
class TestImportClient(HttpCase):
    def test_the_screen_leaves_separators_open_and_tells_the_zone(self):
        self.browser_js(
            "/odoo",
            CODE,
            "Boolean(odoo.loader?.modules.get('@base_import/import_model'))",
            login="admin",
        )
