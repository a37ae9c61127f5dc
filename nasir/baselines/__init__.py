"""Classical restoration, without a network."""
