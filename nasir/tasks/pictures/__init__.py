"""Pictures: finding and reading them, layouts of data sets, pairs, patches to train on."""
