"""Restoration without a network."""
