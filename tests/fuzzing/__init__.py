"""Bad input of every kind, made from a source of chance, and what must hold whatever is given.

The tests draw a few hundred cases of each kind with hypothesis, ``benchmarks/fuzz.py`` many
thousands from numbered seeds; both take the generators and the check of outcomes from here.
"""
