"""The plugins that come with nasir, registered through the same hooks as anybody's."""
