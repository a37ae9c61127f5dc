"""The arithmetic of the papers made fast for a device."""
