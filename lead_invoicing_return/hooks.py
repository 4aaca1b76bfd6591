from odoo.addons.lead_invoicing.hooks import remove_activities


def post_init_hook(env):
    """Begin after the requests of an earlier installation: their returns are in the
    ledger, under references with their numbers."""
    env.cr.execute(
        """
        SELECT setval(pg_get_serial_sequence('lead_return_request', 'id'), number)
          FROM (
               SELECT max(substring(external_ref FROM 5)::int) AS number
                 FROM lead_sale
                WHERE external_ref ~ '^REQ-[0-9]{1,9}$'
               ) last
         WHERE number > 0
        """
    )


def uninstall_hook(env):
    """Remove the to-dos on return requests, whose type goes with the addon."""
    remove_activities(env, ["lead_invoicing_return.mail_activity_type_return_request"])
