{
    "name": "Lead Invoicing: Online Payment",
    "summary": "Prepaid buyers pay in online; automatic recharge by their consent",
    "version": "19.0.1.5.0",
    "category": "Accounting/Accounting",
    "author": "Lead Invoicing contributors",
    "license": "LGPL-3",
    "depends": ["lead_invoicing", "account_payment"],
    "data": [
        "security/ir.model.access.csv",
        "security/lead_invoicing_payment_security.xml",
        "data/ir_cron_data.xml",
        "data/mail_activity_type_data.xml",
        "data/mail_template_data.xml",
        "views/lead_recharge_views.xml",
        "views/res_partner_views.xml",
        "views/portal_templates.xml",
    ],
    "assets": {
        "web.assets_tests": ["lead_invoicing_payment/static/tests/tours/**/*"],
    },
    "uninstall_hook": "uninstall_hook",
    "auto_install": True,
}
