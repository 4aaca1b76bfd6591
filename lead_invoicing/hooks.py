from .models.mail_activity import ACTIVITY_TYPES


def uninstall_hook(env):
    """Remove the to-dos of Lead Invoicing, whose types go with it."""
    remove_activities(env, ACTIVITY_TYPES)


def remove_activities(env, xml_ids):
    """Remove all activities of these types, with an addon that brought them.

    :param xml_ids: of the types
    """
    types = env["mail.activity.type"].browse()
    for xml_id in xml_ids:
        types |= env.ref(xml_id, raise_if_not_found=False) or types
    env["mail.activity"].with_context(active_test=False).search(
        [("activity_type_id", "in", types.ids)]
    ).unlink()
