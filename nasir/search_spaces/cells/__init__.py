"""What search spaces of stacked cells share: cells with searched operations and widths.

HiNAS (Zhang et al.) and IR-NAS (Zhang et al.) stack L cells between a fixed start and
a fixed end; operations and inputs of the nodes of each cell, and its width, are searched.
"""
