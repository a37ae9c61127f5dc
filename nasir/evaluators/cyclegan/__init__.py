"""Unpaired translation (CycleGAN) and its figures."""
