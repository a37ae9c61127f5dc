"""``nasir serve``: the runs in a folder as live pages."""
