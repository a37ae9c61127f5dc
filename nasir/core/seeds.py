"""Seeds made from seeds."""

from __future__ import annotations


def derived_seed(*parts: int | str) -> int:
    """A seed in [0, 2^48) that depends on all `parts`, their order, and nothing else."""
    import hashlib  # which loads OpenSSL

    text = "/".join(map(repr, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
