"""A DAG's place: what is deployed counts here, not what it does."""
