"""Fitting one network to one picture."""
