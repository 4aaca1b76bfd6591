def uninstall_hook(env):
    """Remove the to-dos on recharges, whose type goes with the addon."""
    kind = env.ref(
        "lead_invoicing_payment.mail_activity_type_recharge",
        raise_if_not_found=False,
    )
    if kind:
        env["mail.activity"].with_context(active_test=False).search(
            [("activity_type_id", "=", kind.id)]
        ).unlink()
