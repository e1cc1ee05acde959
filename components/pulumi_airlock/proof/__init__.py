"""Sets, filters, and the proof that what all gates let through is what was declared. No Pulumi import in here."""
