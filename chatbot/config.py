"""Flags and recipes: parsers that name what is wrong in one line, and settings that travel with the package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_origin, get_type_hints

from docstring_parser import parse_from_object as parse_doc
from jsonargparse import SUPPRESS, ArgumentParser, set_parsing_settings

from chatbot.errors import ConfigError
from chatbot.plainly import nearest, plainly, unknown_flags
from chatbot.search.config import SearchConfig
from chatbot.search.presets import DEFAULT, PRESETS

# The sentence under a field of a dataclass is its help.
set_parsing_settings(docstring_parse_attribute_docstrings=True)

_CHECKOUT = Path(__file__).resolve().parent.parent / "configs"
_NESTED, _LARGE = 500, 1_000_000  # brackets and characters: a C parser given more of them may take the process along
Settings = TypeVar("Settings")


class Parser(ArgumentParser):
    """A parser that raises our own error, in one line that names what is wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, exit_on_error=False, allow_abbrev=False, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise ConfigError instead of printing the usage and leaving."""
        raise ConfigError(f"{plainly(one_line(message))}{self._meant(message)}; see `{self.prog} --help`") from ex

    def _meant(self, message: str) -> str:
        """The option that one which is not there may have been meant to be."""
        wrong = unknown_flags(message)
        options = [name.removeprefix("--") for name in self._option_string_actions if name.startswith("--")]
        near = nearest(wrong[0], options) if wrong else None
        return f"; did you mean --{near}?" if near else ""

    def add_recipes(self, kind: str) -> None:
        """Add ``--config``, a YAML file or the name of a recipe of the command ``kind``."""
        names = ", ".join(recipe_names(kind))
        self.add_argument(
            "--config",
            action="config",
            help=f"YAML file, or a recipe by name: {names}; flags override it",
        )

    def add_search_arguments(self) -> None:
        """Add a flag for each setting of a search, and ``--preset``; none of them given leaves the bot's own.

        Defaults are told as the preset `DEFAULT` has them, which is that of bots that bring none.
        """
        presets = "; ".join(f"{name}: {preset.purpose}" for name, preset in PRESETS.items())
        group = self.add_argument_group(
            "how replies are looked for", "defaults are those of a bot that was saved without settings of its own"
        )
        group.add_argument(
            "--preset", choices=list(PRESETS), help=f"settings by name, which the others change. {presets}"
        )
        told = {param.arg_name: " ".join((param.description or "").split()) for param in parse_doc(SearchConfig).params}
        kinds = get_type_hints(SearchConfig)
        for setting in fields(SearchConfig):
            usual = PRESETS[DEFAULT].settings.get(setting.name, setting.default)
            name, text = f"--{setting.name}", f"{told[setting.name]} (by default {_shown(usual)})"
            if setting.name == "banned":
                group.add_argument(name, nargs="+", metavar="WORDS", default=SUPPRESS, help=text)
            else:
                group.add_argument(name, type=kinds[setting.name] | None, default=SUPPRESS, help=text)

    @staticmethod
    def search_changes(parsed: Any) -> dict[str, Any]:
        """What the flags of `add_search_arguments` ask for, and nothing of what was not given."""
        asked = {setting.name for setting in fields(SearchConfig)} & vars(parsed).keys()
        preset = {} if parsed.preset is None else {"preset": parsed.preset}
        return preset | {name: getattr(parsed, name) for name in sorted(asked)}

    def build(self, settings: type[Settings], parsed: Any, **given: Any) -> Settings:
        """The dataclass whose fields were added as arguments, out of what `parse` gave and the fields ``given``."""
        names = [field.name for field in fields(settings)]  # type: ignore[arg-type]
        try:
            ready = self.instantiate(parsed)
            return settings(**{name: given[name] if name in given else ready[name] for name in names})
        except ValueError as error:
            self.error(str(error), error)

    def parse(self, argv: Sequence[str]) -> Any:
        """Parse ``argv``.

        Raises:
            ConfigError: an argument is unknown or of the wrong type.
        """
        words = [self._spelt(word) for word in argv]
        self._refuse_twice(words)
        following = [*words[1:], ""][: len(words)]
        return parse_blaming(self.parse_args, [self._switched(*both) for both in zip(words, following, strict=True)])

    def _refuse_twice(self, words: Sequence[str]) -> None:
        """An option that takes a list and is given again would lose what it was given first."""
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        for option in dict.fromkeys(options):
            action = self._option_string_actions.get(option)
            lists = (
                getattr(action, "nargs", None) in ("+", "*") or get_origin(getattr(action, "_typehint", None)) is list
            )
            if lists and options.count(option) > 1:
                self.error(f"{option} is given twice; give all its values after one, as in {option} ONE TWO")

    def _switched(self, word: str, following: str) -> str:
        """``--anonymise`` alone is ``--anonymise true``."""
        action = self._option_string_actions.get(word)
        switch = getattr(action, "_typehint", None) in (bool, bool | None) and following.lower() not in (
            "true",
            "false",
            "yes",
            "no",
        )
        return f"{word}=true" if switch else word

    def _spelt(self, word: str) -> str:
        """``--stop-after`` is as good as ``--stop_after``, which a field of a dataclass is called."""
        name, equals, value = word.partition("=")
        known = self._option_string_actions
        other = "--" + name[2:].replace("-", "_")
        return f"{other}{equals}{value}" if word.startswith("--") and name not in known and other in known else word


def _shown(value: object) -> str:
    """A default as one would type it."""
    return "none" if value in (None, "", ()) else str(value).lower() if isinstance(value, bool) else str(value)


def parse_blaming(parse: Callable[[list[str]], Any], argv: list[str]) -> Any:
    """Parse arguments that may begin with ``--config FILE``; an error that is the file's names the file.

    Raises:
        ConfigError: as ``parse`` raised it, with the file in front where the arguments are well without it.
    """
    try:
        return parse(argv)
    except ConfigError as error:
        if argv[:1] != ["--config"]:
            raise
        try:
            parse(argv[2:])
        except ConfigError:
            raise error from None
        raise ConfigError(f"{argv[1]}: {error}") from error


def one_line(message: str) -> str:
    """A message of several lines as one.

    >>> one_line("no such key:\\n  'widht'")
    "no such key: 'widht'"
    """
    return " ".join(str(message).split())


def recipe_folder(kind: str) -> Path:
    """Folder of the recipes of a command, ``prepare`` or ``fit``: in a checkout beside the package, else inside it."""
    if (_CHECKOUT / kind).is_dir():
        return _CHECKOUT / kind
    return Path(str(resources.files("chatbot"))) / "recipes" / kind


def recipe_names(kind: str) -> list[str]:
    """Names of the recipes of a command."""
    return sorted(path.stem for path in recipe_folder(kind).glob("*.yaml"))


def recipe_facts(path: Path) -> dict[str, str]:
    """What a recipe says of itself in its first lines, as in ``# Seed: 0``: corpus, seed, figures and so on."""
    facts: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        key, colon, value = line[1:].strip().partition(": ")
        if colon and key.isalpha():
            facts[key] = value
    return facts


def find_recipe(kind: str, given: str) -> Path:
    """The file of a recipe given by path, or by the name of one that travels with the package.

    Raises:
        ConfigError: there is no such file, and no such recipe; it names those there are.
    """
    path = Path(given)
    if path.is_file():
        return path
    if path.name == given and given in recipe_names(kind):
        return recipe_folder(kind) / f"{given}.yaml"
    known = ", ".join(recipe_names(kind))
    raise ConfigError(
        f"--config {given}: no such file, and no recipe of that name; expected a YAML file or one of {known}"
    )


def with_recipe(argv: Sequence[str], kind: str) -> list[str]:
    """The arguments with each ``--config`` as a path and before all others, since later ones override earlier ones.

    Raises:
        ConfigError: as in `find_recipe`; or the file is not text, or nested beyond reason.
    """
    files: list[str] = []
    others: list[str] = []
    words = iter(argv)
    for word in words:
        name = next(words, None) if word == "--config" else word.removeprefix("--config=")
        if name is None or (name == word and word != "--config"):
            others.append(word)
        else:
            files += ["--config", str(_readable(find_recipe(kind, name)))]
    return files + others


def _readable(path: Path) -> Path:
    """The path of a file that a YAML parser can be trusted with."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; expected YAML settings") from error
    if max(text.count("["), text.count("{")) > _NESTED or len(text) > _LARGE:
        raise ConfigError(f"{path}: too large or too deeply nested; expected YAML settings")
    return path
