"""Hooks, the plugins that come with nasir, and the loading of everybody's.

A plugin is a module or object whose functions are marked with :data:`hookimpl`.
"""

import pluggy

hookimpl = pluggy.HookimplMarker("nasir")
"""Marks a function of a plugin as the implementation of the hook of the same name."""
