"""The classical methods that come with nasir."""
