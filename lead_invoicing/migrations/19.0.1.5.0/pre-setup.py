def migrate(cr, _version):
    """The address of Getting Started leads to the action that opens a person's own
    list; Odoo does not see that the window action gives it up in the same file."""
    cr.execute(
        "UPDATE ir_act_window SET path = 'getting-started' WHERE path = 'lead-setup'"
    )
