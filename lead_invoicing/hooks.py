def uninstall_hook(env):
    """Remove the to-dos of Lead Invoicing, whose type goes with it."""
    activity_type = env.ref(
        "lead_invoicing.mail_activity_type_lead_invoicing", raise_if_not_found=False
    )
    if activity_type:
        env["mail.activity"].with_context(active_test=False).search(
            [("activity_type_id", "=", activity_type.id)]
        ).unlink()
