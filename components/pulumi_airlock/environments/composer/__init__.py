"""Google Cloud Composer environments: the component that makes them, and how a stack's environments are read back."""
