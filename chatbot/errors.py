"""What can go wrong, told to people.

ChatbotError        any mistake of the user's; exit code 2
├── ConfigError     a setting that is unknown, out of range, or contradicts another
├── FitError        training cannot begin or go on
└── BundleError     a bot folder that is absent, damaged, or of another version
"""

from __future__ import annotations


class ChatbotError(Exception):
    """The user's mistake, in one line: what was given, what was expected, where, what to do next."""


class ConfigError(ChatbotError):
    """A setting that is unknown, out of range, or contradicts another."""


class FitError(ChatbotError):
    """Training cannot begin or go on."""


class BundleError(ChatbotError):
    """A bot folder that is absent, damaged, or of another version."""
