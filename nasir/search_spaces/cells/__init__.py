"""The spaces of stacked cells, HiNAS and IR-NAS (Zhang et al.).

A network is a fixed start, L cells and a fixed end. Searched are the inputs and operations of the
nodes of each cell, and its width.
"""
