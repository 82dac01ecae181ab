"""A trained bot is one folder: written whole or not at all, checked byte by byte before it is used.

    BOT/
      model.safetensors   the weights
      config.json         format version, sizes of the network, SHA-256 of every other file and of itself
      tokenizer.model     SentencePiece
      prepare.json        how it was fed
      training.json       how it was trained
      README.md           the card
      training.png        the learning curve, where there is one
      replies.json        how often its commonest training replies stand there, by their hash
      backward/           a bot that guesses what was answered, where `fit --backward` made one
      language_model/     a bot that says what is said after anything, where `fit --language-model` made one

Saving swaps the whole folder (see `chatbot.swap`). Loading hashes the very bytes that it parses, and runs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from chatbot import swap
from chatbot.card import card
from chatbot.errors import BundleError, ChatbotError, ConfigError
from chatbot.model.config import NetworkConfig
from chatbot.model.seq2seq import Seq2Seq
from chatbot.sealed import damaged, finite, first_line, json_bytes, json_object, read, sha256, signed
from chatbot.tokenizer import Tokenizer

FORMAT = 2
WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.model"
PREPARE, TRAINING, CARD, PICTURE = "prepare.json", "training.json", "README.md", "training.png"
COUNTS = "replies.json"
READ = (WEIGHTS, TOKENIZER, PREPARE, TRAINING)
"""What a bot is loaded from; the card and its picture are for people, who may edit them."""
FILES = (CONFIG, *READ, CARD, PICTURE, COUNTS)
HELPERS = ("backward", "language_model")
"""Bots that help this one to rank its replies, in folders inside its own."""
_NEEDED = {"network": dict, "vocab_size": int, "context_turns": int, "search": dict, "files": dict}
_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave in any folder


@dataclass(frozen=True)
class Bundle:
    """A loaded bot: its model in evaluation mode, and what `save` was given, as JSON keeps it."""

    model: Seq2Seq
    tokenizer: Tokenizer
    config: dict[str, Any]
    prepare: dict[str, Any]
    training: dict[str, Any]
    path: Path
    counts: dict[str, int] | None = None
    """`chatbot.ranking.key` of a training reply → how often it stands there, of the commonest; None: not counted."""


def check_output(path: Path) -> None:
    """Refuse a place where a bot may not be written; call it before training rather than after.

    Raises:
        BundleError: ``path`` is a file, or a folder with files of somebody else's: a swap would delete them.
    """
    path = _real(path)
    if not path.exists():
        return
    if not path.is_dir():
        raise BundleError(f"{path}: is a file; a bot is a folder: give another --output")
    ours = FILES + _LITTER
    strangers = sorted(e.name for e in path.iterdir() if e.name not in ours and not _is_of_helper(e.name))
    if strangers:
        raise BundleError(f"{path}: holds {strangers[0]!r}, which is no part of a bot: give another --output")


def save(
    path: Path,
    *,
    model: Seq2Seq,
    tokenizer: bytes,
    config: Mapping[str, Any],
    prepare: Mapping[str, Any],
    training: Mapping[str, Any],
    samples: Sequence[tuple[str, str]] = (),
    picture: bytes | None = None,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Write a bot; one that already stands at ``path`` is replaced once the new one is safely on the disk.

    ``config`` must hold ``context_turns``; ``search`` (how replies are searched for unless somebody says
    otherwise) and anything else of yours is kept; sizes, version and hashes are added. ``samples`` are
    questions with answers for the card, ``picture`` the PNG that it shows, ``counts`` as in `Bundle`. The same content,
    in the same order, gives the same bytes. Helpers that stand inside an earlier bot stay, if its pieces were the same.

    Raises:
        BundleError: as `check_output`. An OSError of the disk leaves what stood there as it was.
    """
    path = _real(path)
    check_output(path)
    weights = _weights(model)
    config, prepare, training = finite(config), finite(prepare), finite(training)
    added = {"format": FORMAT, "network": asdict(model.config), "vocab_size": model.vocab_size}
    body = {"search": {}, **config, **added}
    parameters = sum(tensor.numel() for tensor in weights.values())
    pictures = {} if picture is None else {PICTURE: picture}
    page = card(
        parameters=parameters, config=body, prepare=prepare, training=training, samples=samples, pictures=list(pictures)
    )
    contents = {
        WEIGHTS: safetensors.torch.save(weights),
        TOKENIZER: tokenizer,
        PREPARE: json_bytes(prepare),
        TRAINING: json_bytes(training),
        CARD: page.encode("utf-8", "backslashreplace"),
        **pictures,
        **({} if counts is None else {COUNTS: json_bytes(counts)}),
    }
    body["files"] = {name: sha256(content) for name, content in contents.items()}
    contents[CONFIG] = signed(body)
    swap.write(path, contents, keep=_helpers(path, tokenizer))


def rewrite_card(path: Path, figures: Mapping[str, Any], samples: Sequence[tuple[str, str]]) -> None:
    """Give a bot another card, with figures of an evaluation and new samples; all else stays as it is.

    Raises:
        BundleError: there is no sound bot, or its folder holds files of somebody else's.
        OSError: the disk refuses; what stood there is as it was.
    """
    place = _real(path)
    check_output(place)
    folder = _standing(path)
    config = _config(folder)
    there = [name for name in FILES if name in config["files"] and name != CARD and (folder / name).exists()]
    contents = {name: _checked(folder, name, config["files"]) for name in there}
    if (folder / CARD).exists() and sha256(read(folder / CARD)) != config["files"].get(CARD):
        raise BundleError(
            f"{folder / CARD}: was edited by hand since it was written; delete it to have it written anew"
        )
    prepare, training = (json_object(folder / name, contents[name]) for name in (PREPARE, TRAINING))
    page = card(
        parameters=sum(tensor.numel() for tensor in safetensors.torch.load(contents[WEIGHTS]).values()),
        config=config,
        prepare=prepare,
        training=training,
        samples=samples,
        pictures=[PICTURE] if PICTURE in contents else [],
        figures=figures,
    )
    contents[CARD] = page.encode("utf-8", "backslashreplace")
    body = {**config, "files": {name: sha256(content) for name, content in contents.items()}}
    swap.write(
        place, {**contents, CONFIG: signed(body)}, keep=[e.name for e in folder.iterdir() if e.name not in FILES]
    )


def _helpers(path: Path, tokenizer: bytes) -> list[str]:
    """What stands inside a bot and can serve one of these pieces."""
    standing = swap.standing(path)
    if standing is None or not (standing / TOKENIZER).is_file() or (standing / TOKENIZER).read_bytes() != tokenizer:
        return []
    kept = {name for helper in HELPERS for name in (helper, f"{helper}.partial")}
    return [entry.name for entry in standing.iterdir() if entry.name in kept and entry.is_dir()]


def helpers_lost(path: Path, tokenizer: bytes) -> list[str]:
    """Helpers of a bot at ``path`` that one of these pieces, taking its place, could not keep."""
    standing, kept = swap.standing(path.resolve()), _helpers(path.resolve(), tokenizer)
    return [name for name in HELPERS if standing is not None and (standing / name).is_dir() and name not in kept]


def _is_of_helper(name: str) -> bool:
    """Whether a helper's folder is called so, or what stands beside it while it is trained or written."""
    return name.lstrip(".").split(".")[0] in HELPERS


def _real(path: Path) -> Path:
    """The place itself: a link to a bot stays a link, and the folder that it points to is replaced."""
    real = path.resolve()
    if not real.name:
        raise BundleError(f"{path}: is the root of the disk; a bot needs a folder of its own: give another --output")
    return real


def _weights(model: Seq2Seq) -> dict[str, Tensor]:
    """The model's tensors by name, on the CPU. Embedding and output layer are one tensor, one entry."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}


def load(path: Path, device: str | torch.device = "cpu") -> Bundle:
    """Open a bot for talking, its model in evaluation mode on ``device``.

    Raises:
        BundleError: no bot, a fit that did not end, a newer version, a file that is missing or changed.
        ConfigError: there is no such device.
    """
    place = _device(device)
    folder = _standing(path)
    config = _config(folder)
    read_now = READ + (COUNTS,) * (COUNTS in config["files"])
    contents = {name: _checked(folder, name, config["files"]) for name in read_now}
    try:
        tokenizer = Tokenizer(contents[TOKENIZER])
    except ChatbotError as error:
        raise BundleError(damaged(folder / TOKENIZER, first_line(error))) from error
    if tokenizer.vocab_size != config["vocab_size"]:
        sizes = f"it has {tokenizer.vocab_size} pieces, {CONFIG} says {config['vocab_size']}"
        raise BundleError(damaged(folder / TOKENIZER, sizes))
    model = _model(folder, config, contents[WEIGHTS]).to(place).eval()
    prepare, training = (json_object(folder / name, contents[name]) for name in (PREPARE, TRAINING))
    counts = json_object(folder / COUNTS, contents[COUNTS]) if COUNTS in contents else None
    return Bundle(model, tokenizer, config, prepare, training, path, counts)


def _device(device: str | torch.device) -> torch.device:
    """The device, once something could be put on it."""
    try:
        return torch.zeros(1, device=device).device
    except (AssertionError, RuntimeError) as error:
        raise ConfigError(f"device {device}: cannot be used here ({first_line(error)}); cpu always can") from error


def _standing(path: Path) -> Path:
    """The folder to read for ``path``; it holds a config.json at least."""
    real = path.resolve()
    if real.is_file():
        raise BundleError(f"{path}: is a file; expected the folder that `chatbot fit ... --output` wrote")
    folder = swap.standing(real)
    if folder and (folder / CONFIG).is_file():
        return folder
    if path.with_name(f"{path.name}.partial").exists():
        raise BundleError(f"{path}: its fit has not ended ({path.name}.partial): go on with `chatbot fit ... --resume`")
    if folder is None:
        raise BundleError(f"{path}: no such folder; make a bot with `chatbot fit PREPARED --output {path}`")
    if (folder / "report.json").is_file():
        raise BundleError(f"{path}: a prepared folder and not yet a bot: run `chatbot fit {path} --output BOT` first")
    below = [entry for entry in sorted(folder.iterdir()) if (entry / CONFIG).is_file()]
    wanted = f"did you mean {path / below[0].name}?" if below else "expected the --output of `chatbot fit`"
    raise BundleError(f"{path}: no bot, as {CONFIG} is missing; {wanted}")


def _config(folder: Path) -> dict[str, Any]:
    """config.json, once its version is ours and its own checksum right."""
    raw = read(folder / CONFIG)
    config = json_object(folder / CONFIG, raw)
    version = config.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise BundleError(
            f"{folder / CONFIG}: format {version} of a newer chatbot, this one reads up to {FORMAT}: "
            "pip install --upgrade chatbot"
        )
    if isinstance(version, int) and 0 < version < FORMAT:
        raise BundleError(
            f"{folder / CONFIG}: format {version} of an older chatbot, this one reads {FORMAT}: train it anew with "
            "`chatbot fit`, or use the chatbot that made it"
        )
    if version != FORMAT:
        raise BundleError(damaged(folder / CONFIG, f"format {version!r}, expected {FORMAT}"))
    checksum = config.pop("checksum", None)
    if not isinstance(checksum, str) or raw != signed(config):
        raise BundleError(damaged(folder / CONFIG, "it was changed after it was written"))
    for name, kind in _NEEDED.items():
        if not isinstance(config.get(name), kind):
            raise BundleError(damaged(folder / CONFIG, f"{name} is missing or of the wrong kind"))
    return config


def _checked(folder: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    """The bytes of a file, once their hash is the one noted when the bot was saved."""
    content = read(folder / name)
    if sha256(content) != hashes.get(name):
        raise BundleError(damaged(folder / name, "its SHA-256 is not the one noted when it was written"))
    return content


def _model(folder: Path, config: Mapping[str, Any], content: bytes) -> Seq2Seq:
    """The network with its weights; built without memory first: sizes are compared before they cost."""
    try:
        network = NetworkConfig(**config["network"])
        tensors = safetensors.torch.load(content)
        if network.encoder_layers + network.decoder_layers > len(tensors):
            raise ValueError(f"{len(tensors)} tensors for more layers than that")
        with torch.device("meta"):
            model = Seq2Seq(config["vocab_size"], network)
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        raise BundleError(damaged(folder / WEIGHTS, first_line(error))) from error
    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in model.state_dict().items()}
    found = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
    wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    if wrong:
        raise BundleError(damaged(folder / WEIGHTS, f"{wrong[0]} does not fit the network that {CONFIG} describes"))
    model.load_state_dict(tensors, assign=True)
    return model
