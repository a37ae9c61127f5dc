"""Searching for an architecture."""
