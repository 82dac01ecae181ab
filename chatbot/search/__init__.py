"""Search over anything that steps: torch and nothing else.

steps.py    the seam: what a step, a state and a hypothesis are; how a search is asked for
greedy.py   always the likeliest token
beam.py     the best few of many, as tensors
filters.py  what may not be said
rank.py     how hypotheses of unlike length compare
"""
