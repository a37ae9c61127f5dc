"""Evolution: regularised for one objective, NSGA-II for several."""
