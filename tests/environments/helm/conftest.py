"""Lets this folder's tests import the helpers beside them: tests are imported without a package (`--import-mode=importlib`)."""
