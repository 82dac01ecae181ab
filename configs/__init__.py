"""Recipes, found by name: ``--config small`` reads fit/small.yaml, ``--config cornell`` reads prepare/cornell.yaml."""
