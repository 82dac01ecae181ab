"""``python -m chatbot``."""

from chatbot.cli import entry

if __name__ == "__main__":
    entry()
