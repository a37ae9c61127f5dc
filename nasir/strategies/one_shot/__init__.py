"""Weight sharing: a supernet trained by paths, and architectures evaluated with its weights.

Random search (Li and Talwalkar, UAI 2019), a controller (ENAS: Pham et al., ICML 2018) or
evolution (single path one-shot: Guo et al., ECCV 2020) choose among the paths.
"""
