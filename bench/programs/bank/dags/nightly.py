"""A DAG file, for the upload."""
