"""Residual U-Nets."""
