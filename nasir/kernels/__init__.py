"""Operations of the papers, rewritten to run fast on a device; each equals its plain form.

Kernels are functions and modules that know nothing of search spaces. Their tests compare them
with the plain form.
"""
