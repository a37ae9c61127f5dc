"""Interfaces, engine, settings, registries and the run store; imports nothing else of nasir."""
