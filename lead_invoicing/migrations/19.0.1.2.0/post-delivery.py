def migrate(cr, _version):
    """Say of documents that wait to be sent since when they do: now, at the latest; and
    give the activities of undelivered ones the type of their own."""
    cr.execute(
        """
        UPDATE account_move
           SET lead_delivery_since = now() AT TIME ZONE 'UTC'
         WHERE lead_delivery_state = 'to_send' AND lead_delivery_since IS NULL
        """
    )
    cr.execute(
        """
        UPDATE mail_activity
           SET activity_type_id = new.res_id
          FROM ir_model_data old, ir_model_data new, account_move
         WHERE old.module = 'lead_invoicing' AND new.module = 'lead_invoicing'
           AND old.name = 'mail_activity_type_lead_invoicing'
           AND new.name = 'mail_activity_type_lead_delivery'
           AND mail_activity.activity_type_id = old.res_id
           AND mail_activity.res_model = 'account.move'
           AND mail_activity.res_id = account_move.id
           AND account_move.lead_delivery_state IN ('failed', 'no_address', 'by_hand')
        """
    )
