"""CLEARER: when to fuse and when to extract the features of several scales.

Gou, Li, Liu, Yang and Peng, "CLEARER: Multi-Scale Neural Architecture Search for Image
Restoration", NeurIPS 2020.
"""
