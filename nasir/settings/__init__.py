"""From words to components: overrides, building, strategy expressions, recipes."""
