"""What a plugin author reads: interfaces, domains, problems, the engine, registries.

It imports nothing else of nasir.
"""
