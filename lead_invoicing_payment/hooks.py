from odoo.addons.lead_invoicing.hooks import remove_activities


def post_init_hook(env):
    """Begin after the consents of an earlier installation: Odoo keeps what was charged
    by them, and the provider charges nothing twice for one reference."""
    env.cr.execute(
        """
        SELECT setval(pg_get_serial_sequence('lead_recharge_consent', 'id'), number)
          FROM (
               SELECT max(split_part(reference, '-', 2)::int) AS number
                 FROM payment_transaction
                WHERE reference ~ '^RECHARGE-[0-9]{1,9}-[0-9]+$'
               ) last
         WHERE number > 0
        """
    )


def uninstall_hook(env):
    """Remove the to-dos on recharges, whose type goes with the addon."""
    remove_activities(env, ["lead_invoicing_payment.mail_activity_type_recharge"])
