def migrate(cr, _version):
    """Say of documents posted before since when they are in the books: the last change
    of their state that the chatter knows, else when they were made."""
    cr.execute(
        """
        UPDATE account_move
           SET lead_posted_at = COALESCE(
                   (SELECT max(message.date)
                      FROM mail_message message
                      JOIN mail_tracking_value value
                           ON value.mail_message_id = message.id
                      JOIN ir_model_fields field ON field.id = value.field_id
                     WHERE message.model = 'account.move'
                       AND message.res_id = account_move.id
                       AND field.model = 'account.move'
                       AND field.name = 'state'),
                   create_date)
         WHERE lead_run_id IS NOT NULL
           AND state = 'posted'
           AND lead_posted_at IS NULL
        """
    )
