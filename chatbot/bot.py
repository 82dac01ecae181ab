"""A bot in a program: ``bot = load("bot/")``, then ``bot.reply(["Hi, how are you?"]).text``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chatbot import bundle
from chatbot.errors import ConfigError
from chatbot.model.light import FORMS
from chatbot.model.light_linear import Form
from chatbot.replies import Look, Reply
from chatbot.responder import Responder, search_settings


class Bot:
    """Answers texts. Threads may share one: they wait for each other.

    Args:
        path: the folder that `chatbot fit` wrote.
        device: where to reckon.
        form: of the decoder's weights; None for the lightest that keeps the words on the device.

    Raises:
        BundleError, ConfigError: as `chatbot.bundle.load`.
    """

    def __init__(self, path: Path | str, device: str = "cpu", form: Form | None = None) -> None:
        if form is not None and form not in FORMS:
            raise ConfigError(f"form {form!r}: expected one of {', '.join(FORMS)}, or None for the lightest that does")
        self._bundle = bundle.load(Path(path), device)
        self._responder = Responder(self._bundle, form)

    def reply(self, history: Sequence[str] | str, preset: str | None = None, **settings: Any) -> Reply:
        """Answer the last text of a history, oldest first.

        Args:
            history: what was said, by both sides in turn; or a single text.
            preset: settings by name: greedy, plain, careful, lively, diverse.
            settings: fields of `chatbot.search.config.SearchConfig`, as in ``temperature=0.8, seed=7``; the bot's own
                unless given.

        Raises:
            ConfigError: there is no such setting or preset, or no such value.
            TypeError: the history is no text and no list of texts.
        """
        return self.replies([history], preset, **settings)[0]

    def replies(
        self, histories: Sequence[Sequence[str] | str], preset: str | None = None, **settings: Any
    ) -> list[Reply]:
        """Answer many histories, in their order; faster than one after the other.

        Raises:
            ConfigError: as `reply`.
            TypeError: a single text was given, or what are no texts.
        """
        if isinstance(histories, str):
            raise TypeError("replies takes a list of histories; `reply` answers a single text")
        asked = [_texts(history) for history in histories]
        return self._responder.replies(asked, search_settings(self._bundle.config, preset, **settings))

    def stream(self, history: Sequence[str] | str, preset: str | None = None, **settings: Any) -> Iterator[Reply]:
        """Answer as it comes: see `chatbot.responder.Responder.stream`."""
        return self._responder.stream(_texts(history), search_settings(self._bundle.config, preset, **settings))

    def look(self, history: Sequence[str] | str, reply: Reply) -> Look:
        """Where the bot looked as it said a reply to this history, and how sure it was of each piece.

        Raises:
            TypeError: the reply is not one that `reply` gave.
        """
        if not isinstance(reply, Reply):
            raise TypeError(f"look takes a Reply, as `bot.reply` gives it; got {reply!r:.60}")
        return self._responder.look(_texts(history), reply.ids)


def _texts(history: Sequence[str] | str) -> Sequence[str]:
    """A history as a list of texts.

    Raises:
        TypeError: it is none.
    """
    if isinstance(history, str):
        return [history]
    if not isinstance(history, Sequence) or isinstance(history, bytes) or not all(isinstance(t, str) for t in history):
        raise TypeError(f"a history is a text, or a list of texts, oldest first; got {history!r:.60}")
    return history
