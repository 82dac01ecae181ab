"""Dialogues that travel with the package: everyday.txt, written for this project."""
