"""A conversation without a terminal: a line in, answers out.

What a line asks for is decided here; what it makes of the conversation, in `talking`. Neither torch nor prompt-toolkit
is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chatbot.chat import settings as words_of
from chatbot.chat.commands import Command, CommandError, as_text, is_command, parse, path_of, short
from chatbot.chat.help import help_on
from chatbot.chat.kept import Log, load, save
from chatbot.chat.talk import Talk, turns
from chatbot.chat.talking import Answer, Responds, Talking
from chatbot.errors import ChatbotError

_LONGEST = 400  # characters of a message


class Session(Talking):
    """One conversation with a bot, line by line.

    Args:
        bot: who answers.
        log: where each turn is written down as it is made; None: nowhere.
        others: further replies that are shown with each, at most.
    """

    def __init__(self, bot: Responds, log: Log | None = None, *, others: int = 0) -> None:
        super().__init__(bot, log)
        self.columns = 80
        """How wide help may be."""
        self._others = others

    @property
    def preset(self) -> str | None:
        """The one whose settings these are."""
        return words_of.preset_of(self.settings)

    @property
    def ready(self) -> bool:
        """Whether the bot is there, so that nobody waits for it."""
        return self.bot.ready

    def handle(self, line: str) -> Iterator[Answer]:
        """Answer one typed line: a command is carried out, anything else is said to the bot.

        Interrupted or failing, it leaves the conversation as it was.
        """
        choosing, self._choosing = self._choosing, ()
        try:
            if is_command(line):
                yield from self._obey(parse(line))
            elif choosing and line.strip().isascii() and line.strip().isdigit():
                yield self._pick(choosing, line.strip())
            elif as_text(line).strip():
                for answer in self._answered(self.talk, as_text(line)):
                    yield answer
                    if answer.kind == "reply" and self._others:
                        yield self._alternatives(self._others + 1)
            else:
                yield Answer("silence")
        except (CommandError, ChatbotError, ValueError) as mistake:
            self._choosing = self._choosing or choosing  # a slip does not end it
            yield Answer("error", short(str(mistake), _LONGEST))
        if self.trouble:
            yield Answer("error", self.trouble)
            self.trouble = ""

    def _obey(self, command: Command) -> Iterator[Answer]:
        """Carry out a command."""
        match command.name:
            case "help":
                yield Answer("note", help_on(command.text, self.columns))
            case "undo" | "redo":
                yield self._travel(command.name, command.number)
            case "retry":
                yield from self._retry()
            case "edit":
                yield from self._edit(command.text)
            case "alternatives":
                yield self._alternatives(command.number)
            case "say":
                yield self._put(command.text)
            case "persona":
                yield self._persona(command.text)
            case "context":
                yield self._context()
            case "reset":
                self._go(Talk(persona=self.talk.persona))
                yield Answer("note", "The conversation starts again; /undo brings the old one back.")
            case "set" | "preset" | "seed" | "settings":
                yield self._change(command)
            case "why" | "gates":
                yield self._show(command)
            case "stats":
                yield Answer("note", words_of.stats(self.bot.facts, self.bot.memory(), self.speed))
            case "save":
                path = path_of(_one(command, "FILE"))
                self._last()
                save(path, self.talk, str(self.bot.facts["name"]))
                yield Answer("note", f"Kept in {path}: {turns(self.talk)}.")
            case "load":
                self._take_up(load(path_of(_one(command, "FILE"))))
                yield Answer("note", f"The conversation goes on after {turns(self.talk)}; {self._standing()}")
            case "quit":
                yield Answer("quit")

    def _persona(self, text: str) -> Answer:
        if text:
            self._go(replace(self.talk, persona="" if text.lower() == "none" else text))
        return Answer("note", self._who())

    def _who(self) -> str:
        return f"The bot is: {self.talk.persona}" if self.talk.persona else "The bot is nobody in particular."

    def _standing(self) -> str:
        return f"its last reply was: {self._last().bot}" + (f"\n{self._who()}" if self.talk.persona else "")

    def _context(self) -> Answer:
        last, now = self.talk.last, self.talk.persona
        if last is None:
            return Answer("note", f"Nothing was said yet.{f' The bot is: {now}' if now else ''}")
        read = self.bot.source(self.talk.history[:-1] or self.talk.history, last.persona)
        other = f"\nFrom the next line on it is: {now or 'nobody in particular'}" if now != last.persona else ""
        return Answer("note", f"{len(read)} pieces: {' '.join(read)}{other}")

    def _travel(self, name: str, number: int | None) -> Answer:
        wanted = 1 if number is None else number
        if not wanted:
            raise CommandError(f"/{name} takes a number from 1; given: 0")
        done = self._time.undo(wanted) if name == "undo" else self._time.redo(wanted)
        self._note()
        if not done:
            return Answer("note", f"There is nothing to {name}.")
        last = self.talk.last
        where = "at the beginning" if last is None else f"after: {last.bot}"
        return Answer("note", f"{'Back' if name == 'undo' else 'Forth'} by {done}, {where}")

    def _change(self, command: Command) -> Answer:
        changed = words_of.changed(self.settings, command)
        if changed is not None:
            self._settings = changed
            self._draws = 0
        if command.name == "preset" and not command.words:
            return Answer("note", words_of.presets())
        every = command.name == "set" and not command.words
        return Answer("note", words_of.all_shown(self.settings) if every else words_of.shown(self.settings))

    def _show(self, command: Command) -> Answer:
        last = self._last()
        if not last.ids:
            raise CommandError("the last words are not the bot's own, so there is nothing to show")
        file = words_of.picture_file(command)
        asked = (self.talk.history[:-1], last.ids, last.persona)
        found = self.bot.look(*asked) if command.name == "why" else self.bot.gates(*asked)
        if file is None:
            return Answer("look" if command.name == "why" else "gates", drawn=found)
        from chatbot.chat import png  # a second, which only a picture should cost

        png.save(found, file)
        return Answer("note", f"The picture is in {file}")


def _one(command: Command, what: str) -> str:
    if len(command.words) != 1:
        raise CommandError(f"/{command.name} takes one {what}; put a name with spaces in quotation marks")
    return command.words[0]
