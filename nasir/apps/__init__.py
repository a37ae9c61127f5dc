"""What nasir does, one folder or module a verb; knows the interfaces alone."""
