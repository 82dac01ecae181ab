"""How hypotheses of unlike length compare."""

from __future__ import annotations


def length_penalty(length: int, alpha: float) -> float:
    """Divide a log-probability by this to get its score: ((5 + length) / 6) ** alpha.

    `length` counts the scored tokens, the end among them; alpha 0 leaves log-probabilities as they are,
    a larger alpha favours longer replies. Source: Wu et al. 2016, equation 14, without its coverage term.

    >>> length_penalty(1, 1.0), length_penalty(7, 1.0), length_penalty(7, 0.0)
    (1.0, 2.0, 1.0)
    """
    return float(((5 + length) / 6) ** alpha)
