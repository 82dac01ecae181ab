"""The command line: each command imports its own world, inside its function."""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from chatbot import __version__
from chatbot.errors import ChatbotError
from data_prep.errors import PrepareError

OK, OURS, USERS, INTERRUPTED = 0, 1, 2, 130

# Trouble with a disk or a path, which the user can mend and we cannot.
_DISK = {
    errno.ENOSPC: "no space left on the disk; free some and run again",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EFBIG: "the file would pass the size that is allowed here; raise the limit or write elsewhere",
    errno.EACCES: "permission denied; choose another place or change its permissions",
    errno.EPERM: "not permitted; choose another place or change its permissions",
    errno.EROFS: "the file system is read-only; write elsewhere",
    errno.EIO: "the disk reports an error; check it",
    errno.ENAMETOOLONG: "the name is too long; give a shorter one",
    errno.ENOTDIR: "a part of the path is a file; give another path",
}


def prepare(argv: list[str]) -> int:
    """Raw conversations → a clean, de-duplicated, leak-free, tokenised folder."""
    from chatbot.config import Parser, with_recipe
    from data_prep.config import PrepareConfig
    from data_prep.explain import explain, explain_pair
    from data_prep.pipeline import prepare as run
    from data_prep.preview import preview, show

    parser = Parser(prog="chatbot prepare", description=prepare.__doc__)
    parser.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="files, folders, zips, URLs or hf://NAME with conversations"
    )
    parser.add_argument("--output", metavar="DIR", help="folder to write; an earlier prepared one is replaced")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="show the first dialogues and what each rule would do; write nothing",
    )
    parser.add_argument("--explain", metavar="TEXT", help="show what each rule does to one line; read nothing else")
    parser.add_argument(
        "--explain-pair",
        nargs=2,
        metavar=("CONTEXT", "REPLY"),
        help="show what each judge says of one pair; read nothing else",
    )
    parser.add_recipes("prepare")
    parser.add_class_arguments(PrepareConfig)
    given = parser.parse(with_recipe(argv, "prepare"))
    config = parser.build(PrepareConfig, given)
    if given.explain is not None:
        print("\n".join(explain(given.explain, config)))  # noqa: T201
    elif given.explain_pair is not None:
        context, reply = given.explain_pair
        print("\n".join(explain_pair(context, reply, config)))  # noqa: T201
    elif not given.inputs:
        raise ChatbotError("no INPUT given; expected files or folders with conversations; see `chatbot prepare --help`")
    elif given.dry_run:
        show(*preview(given.inputs, config))
    elif given.output is None:
        raise ChatbotError("no --output given; expected the folder to write, as in `--output prepared`, or --dry-run")
    else:
        report = run(given.inputs, given.output, config)
        (report.show_turns if config.stop_after == "read" else report.show)(given.output)
    return OK


def fit(argv: list[str]) -> int:
    """A prepared folder → a trained bot."""
    from chatbot.training.cli import fit as run

    return run(argv)


def reply(argv: list[str]) -> int:
    """Lines or JSONL in, replies as JSONL out."""
    from chatbot.config import Parser
    from chatbot.reply import ReplyCommand, run

    parser = Parser(prog="chatbot reply", description=reply.__doc__)
    parser.add_argument("bot", metavar="BOT", help="folder that `chatbot fit` wrote")
    parser.add_class_arguments(ReplyCommand, skip={"bot", "search"})
    parser.add_search_arguments()
    given = parser.parse(argv)
    run(parser.build(ReplyCommand, given, bot=Path(given.bot), search=parser.search_changes(given)))
    return OK


def chat(argv: list[str]) -> int:
    """Talk to a bot in the terminal."""
    from chatbot.chat import ChatCommand, run
    from chatbot.config import Parser

    parser = Parser(prog="chatbot chat", description=chat.__doc__)
    parser.add_argument(
        "bot",
        metavar="BOT",
        nargs="?",
        help="folder that `chatbot fit` wrote (default: the one under runs/, or one of those there)",
    )
    parser.add_class_arguments(ChatCommand, skip={"bot", "search"})
    parser.add_search_arguments()
    given = parser.parse(["--resume" if word == "--continue" else word for word in argv])
    bot = None if given.bot is None else Path(given.bot)
    return run(parser.build(ChatCommand, given, bot=bot, search=parser.search_changes(given)))


def evaluate(argv: list[str]) -> int:
    """Figures of bots, or of any replies, beside what people said."""
    from chatbot.config import Parser
    from chatbot.evaluation import EvaluateCommand, run

    parser = Parser(prog="chatbot evaluate", description=evaluate.__doc__)
    parser.add_argument("prepared", metavar="PREPARED", help="folder that `chatbot prepare` wrote")
    parser.add_argument("bots", metavar="BOT", nargs="*", help="folders that `chatbot fit` wrote")
    parser.add_argument(
        "--predictions",
        metavar="NAME=FILE",
        nargs="+",
        default=[],
        help="replies of other systems: a line (text or JSON) for each pair of the split, in its order",
    )
    parser.add_argument(
        "--presets",
        metavar="NAME",
        nargs="+",
        default=["default"],
        help="ways to look for replies that each bot is asked with; default: as it was saved",
    )
    parser.add_class_arguments(EvaluateCommand, skip={"prepared", "bots", "predictions", "presets"})
    given = parser.parse(argv)
    paths = {"prepared": Path(given.prepared), "bots": [Path(bot) for bot in given.bots]}
    return run(parser.build(EvaluateCommand, given, **paths, predictions=given.predictions, presets=given.presets))


def demo(argv: list[str]) -> int:
    """Prepare the bundled dialogues, train a tiny bot on them in minutes, and talk to it."""
    from chatbot.config import Parser
    from chatbot.demo import DemoCommand, run

    parser = Parser(prog="chatbot demo", description=demo.__doc__)
    parser.add_class_arguments(DemoCommand)
    return run(parser.build(DemoCommand, parser.parse(argv)))


def lab(argv: list[str]) -> int:
    """The experiments of the chapter on LSTMs, each a figure and a picture."""
    from chatbot.config import Parser
    from chatbot.lab import LabCommand, listing, run

    if not argv:
        print(listing())  # noqa: T201
        return OK
    parser = Parser(prog="chatbot lab", description=lab.__doc__)
    parser.add_argument("experiment", metavar="NAME", help="an experiment; `chatbot lab` alone lists them")
    parser.add_argument(
        "--data",
        metavar="PATH",
        nargs="+",
        default=[],
        help="sentiment: a folder with pos/ and neg/, two files of lines (for, against), or a CSV",
    )
    parser.add_class_arguments(LabCommand, skip={"experiment", "data"})
    given = parser.parse(argv)
    return run(parser.build(LabCommand, given, experiment=given.experiment, data=[Path(path) for path in given.data]))


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "prepare": prepare,
    "fit": fit,
    "reply": reply,
    "chat": chat,
    "evaluate": evaluate,
    "demo": demo,
    "lab": lab,
}


def usage() -> str:
    """The commands, a line each."""
    lines = [f"  {name:<8} {command.__doc__}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: chatbot COMMAND ... [--debug]",
            "",
            "Turn raw conversations into a small model that talks.",
            "",
            *lines,
            "",
            "`chatbot COMMAND --help` tells more; --debug shows where an error came from; --version the version.",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, 2 for the user's mistake, 1 for ours, 130 when interrupted."""
    # Threads that wait for work must not burn the cores that others (or their own siblings) need: with two on a busy
    # machine a step took ten times as long. Yet to be woken takes longer than most of their waits: after a few
    # microseconds of spinning they sleep, which made training a fifth quicker than sleeping at once. Read when torch
    # loads its thread pool.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # oneDNN keeps what it has prepared for each shape of a batch, 1,024 of them by itself: some gigabytes, as batches
    # are of all lengths. With 32 training is no slower.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    argv = [word for word in argv if word != "--debug"]
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage(), file=sys.stdout if argv else sys.stderr)
        return OK if argv else USERS
    if argv[0] == "--version":
        print(f"chatbot {__version__}")  # noqa: T201
        return OK
    if argv[0] not in COMMANDS:
        return _fail(f"no command {argv[0]!r}; expected one of {', '.join(COMMANDS)}; see `chatbot --help`", USERS)
    return _guarded(COMMANDS[argv[0]], argv[1:], debug)


def _guarded(command: Callable[[list[str]], int], argv: list[str], debug: bool) -> int:
    try:
        return command(argv)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left; what Python still holds for it must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (ChatbotError, PrepareError) as error:
        if debug:
            traceback.print_exc()
        return _fail(str(error), USERS)
    except Exception as error:  # noqa: BLE001 - the last resort, told in one line
        if debug:
            traceback.print_exc()
        if isinstance(error, OSError) and error.errno in _DISK:
            where = f"{error.filename}: " if error.filename else ""
            return _fail(f"{where}{_DISK[error.errno]}", USERS)
        return _fail(f"{type(error).__name__}: {error} (a fault of ours; --debug shows where)", OURS)


def _fail(message: str, code: int) -> int:
    from data_prep.text import printable

    print(f"chatbot: error: {printable(' '.join(message.split()))}", file=sys.stderr)  # noqa: T201
    return code


def entry() -> None:
    """The console script: text is UTF-8 whatever the platform says, and what cannot be shown is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Loading modules makes some hundred thousand objects that stay: to look for cycles after every 700 of them, as
    # Python would, takes a tenth of the start.
    gc.set_threshold(50_000, 20, 50)
    code = main()
    gc.freeze()  # the process takes all its objects along: to look for cycles among them first takes a quarter second
    sys.exit(code)
