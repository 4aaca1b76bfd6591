def migrate(cr, _version):
    """Returns that were not recorded over the API show the lead data of their sales; no
    field of lead data has a default value."""
    cr.execute("UPDATE lead_sale SET lead_data = NULL WHERE lead_data = '{}'")
    cr.execute(
        """
        UPDATE lead_type
           SET lead_properties_definition = (
               SELECT jsonb_agg(prop - 'default' ORDER BY place)
                 FROM jsonb_array_elements(lead_properties_definition)
                      WITH ORDINALITY AS definition(prop, place))
         WHERE jsonb_path_exists(lead_properties_definition, '$[*].default')
        """
    )
