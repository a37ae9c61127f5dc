"""NAS-DIP: upsampling cells and cross-level connections of a deep image prior.

Chen, Gao, Robb and Huang, "NAS-DIP: Learning Deep Image Prior with Neural Architecture
Search", ECCV 2020.
"""
