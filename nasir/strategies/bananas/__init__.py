"""Bayesian optimisation with an ensemble of neural predictors.

White, Neiswanger and Savani, "BANANAS: Bayesian Optimization with Neural Architectures for Neural
Architecture Search", AAAI 2021.
"""
