"""Reinforcement learning: a recurrent controller trained by policy gradient."""
