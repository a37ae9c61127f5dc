"""Search by gradient: a supernet's architecture parameters and weights, descended in turn.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, with what HiNAS,
IR-NAS and CLEARER made of it for restoration.
"""
