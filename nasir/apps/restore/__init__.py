"""Restoring one picture that a person has, with no training data and no ground truth."""
