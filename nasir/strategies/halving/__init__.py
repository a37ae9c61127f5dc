"""Successive halving over fidelity, and Hyperband."""
