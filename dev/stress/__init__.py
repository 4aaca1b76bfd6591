"""Scripts that kill the billing in mid-work, or measure it."""
