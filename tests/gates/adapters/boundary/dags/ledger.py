"""A DAG: its text does not matter here."""
