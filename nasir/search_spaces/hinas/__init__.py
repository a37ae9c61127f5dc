"""HiNAS: memory-efficient hierarchical search for image restoration (Zhang et al.)."""
