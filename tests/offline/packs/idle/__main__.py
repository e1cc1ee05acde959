"""Builds no pack at all."""
