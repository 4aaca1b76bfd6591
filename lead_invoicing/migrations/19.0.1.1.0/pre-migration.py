def migrate(cr, _version):
    """Give the work items of runs the end of their window at once: there can be a
    million."""
    cr.execute(
        "ALTER TABLE lead_invoice_run_buyer"
        " ADD COLUMN IF NOT EXISTS window_end timestamp"
    )
    cr.execute(
        """
        UPDATE lead_invoice_run_buyer AS item
           SET window_end = run.window_end
          FROM lead_invoice_run run
         WHERE run.id = item.run_id AND item.window_end IS NULL
        """
    )
