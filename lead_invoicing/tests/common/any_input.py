from .optional_packages import st

# Whatever JSON can say, with the characters that hurt.
TEXTS = st.text(max_size=20) | st.sampled_from(["\x00", "\ud800", "'; --", "🚗", "%s"])
NUMBERS = st.sampled_from([10**400, -(10**400), 1e308, 5e-324, "1" * 20, 0.1 + 0.2])
ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | NUMBERS
JSON = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = (
    *("external_ref", "type", "origin_external_ref", "occurred_at", "buyer_ref"),
    *("lead_type", "lead_ref", "campaign", "price", "currency", "reason", "lead_data"),
)
LEAD_DATA = st.dictionaries(
    st.sampled_from(["first_name", "Vehicle Year", "insured", "value", "born_on"])
    | st.sampled_from(["asked_at", "fuel", "EXTRAS", "remarks", "shoe_size"])
    | TEXTS,
    JSON,
    max_size=4,
)
