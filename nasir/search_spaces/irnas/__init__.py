"""IR-NAS: neural architecture search for image restoration (Zhang et al.)."""
