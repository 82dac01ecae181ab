"""What replies are worth, in figures.

metrics.py  of a list of replies, and of replies beside what people said
"""
