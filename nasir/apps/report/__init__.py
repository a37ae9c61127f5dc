"""Runs told as a page: one HTML file that asks no host for anything."""
