"""Search over anything that steps: torch and nothing else.

config.py   how replies are looked for: every setting; without torch
presets.py  settings by name
steps.py    the seam: what a step, a state and a hypothesis are
walk.py     one hypothesis an input, token by token: the likeliest, or drawn
sample.py   how tokens are drawn
beam.py     the best few of many; in groups that differ
top.py      the largest of many numbers
filters.py  what may not be said
phrases.py  words that may not be said, however pieces cut them
rank.py     how hypotheses compare
"""
