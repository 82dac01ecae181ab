"""Raw conversations in, clean tokenised dialogue out. Imports neither torch nor chatbot."""

import os

# The dataframe engine would report its use to its makers; conversations are private, so nothing leaves the machine.
os.environ.setdefault("DO_NOT_TRACK", "1")
