"""A trained bot is one folder: written whole or not at all, checked byte by byte before it is used.

    BOT/
      model.safetensors   the weights
      config.json         format version, sizes of the network, SHA-256 of every other file and of itself
      tokenizer.model     SentencePiece
      prepare.json        how it was fed
      training.json       how it was trained
      README.md           the card
      training.png        the learning curve, where there is one

Saving swaps the whole folder (see `chatbot.swap`). Loading hashes the very bytes that it then parses, and
runs none of them.
"""

from __future__ import annotations

import hashlib
import json
import math
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
from chatbot.tokenizer import Tokenizer

FORMAT = 2
WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.model"
PREPARE, TRAINING, CARD, PICTURE = "prepare.json", "training.json", "README.md", "training.png"
HASHED = (WEIGHTS, TOKENIZER, PREPARE, TRAINING, CARD)
FILES = (CONFIG, *HASHED, PICTURE)
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


# ---------------------------------------------------------------------------------------------------- writing


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
    strangers = sorted(entry.name for entry in path.iterdir() if entry.name not in FILES + _LITTER)
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
) -> None:
    """Write a bot; one that already stands at ``path`` is replaced once the new one is safely on the disk.

    ``config`` must hold ``context_turns``; ``search`` (how replies are searched for unless somebody says
    otherwise) and anything else of yours is kept; sizes, version and hashes are added. ``samples`` are
    questions with answers for the card, ``picture`` the PNG that it shows. The same content, in the same order,
    gives the same bytes.

    Raises:
        BundleError: as `check_output`. An OSError of the disk leaves what stood there as it was.
    """
    path = _real(path)
    check_output(path)
    weights = _weights(model)
    config, prepare, training = _finite(config), _finite(prepare), _finite(training)
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
        PREPARE: _json(prepare),
        TRAINING: _json(training),
        CARD: page.encode("utf-8", "backslashreplace"),
        **pictures,
    }
    body["files"] = {name: _sha256(content) for name, content in contents.items()}
    contents[CONFIG] = _signed(body)
    swap.write(path, contents)


def _real(path: Path) -> Path:
    """The place itself: a link to a bot stays a link, and the folder that it points to is replaced."""
    real = path.resolve()
    if not real.name:
        raise BundleError(f"{path}: is the root of the disk; a bot needs a folder of its own: give another --output")
    return real


def _weights(model: Seq2Seq) -> dict[str, Tensor]:
    """The model's tensors by name, on the CPU. Embedding and output layer are one tensor, one entry."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}


# ---------------------------------------------------------------------------------------------------- reading


def load(path: Path, device: str | torch.device = "cpu") -> Bundle:
    """Open a bot for talking, its model in evaluation mode on ``device``.

    Raises:
        BundleError: no bot, a fit that did not end, a newer version, a file that is missing or changed.
        ConfigError: there is no such device.
    """
    place = _device(device)
    folder = _standing(path)
    config = _config(folder)
    listed = [*HASHED, *(name for name in FILES if name in config["files"] and name not in HASHED)]
    contents = {name: _checked(folder, name, config["files"]) for name in listed}
    try:
        tokenizer = Tokenizer(contents[TOKENIZER])
    except ChatbotError as error:
        raise BundleError(_damaged(folder / TOKENIZER, _line(error))) from error
    if tokenizer.vocab_size != config["vocab_size"]:
        sizes = f"it has {tokenizer.vocab_size} pieces, {CONFIG} says {config['vocab_size']}"
        raise BundleError(_damaged(folder / TOKENIZER, sizes))
    model = _model(folder, config, contents[WEIGHTS]).to(place).eval()
    prepare, training = (_object(folder / name, contents[name]) for name in (PREPARE, TRAINING))
    return Bundle(model, tokenizer, config, prepare, training, path)


def _device(device: str | torch.device) -> torch.device:
    """The device, once something could be put on it."""
    try:
        return torch.zeros(1, device=device).device
    except (AssertionError, RuntimeError) as error:
        raise ConfigError(f"device {device}: cannot be used here ({_line(error)}); cpu always can") from error


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
    raise BundleError(f"{path}: no bot, as {CONFIG} is missing; expected the --output of `chatbot fit`")


def _config(folder: Path) -> dict[str, Any]:
    """config.json, once its version is ours and its own checksum right."""
    raw = _read(folder / CONFIG)
    config = _object(folder / CONFIG, raw)
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
        raise BundleError(_damaged(folder / CONFIG, f"format {version!r}, expected {FORMAT}"))
    checksum = config.pop("checksum", None)
    if not isinstance(checksum, str) or raw != _signed(config):
        raise BundleError(_damaged(folder / CONFIG, "it was changed after it was written"))
    for name, kind in _NEEDED.items():
        if not isinstance(config.get(name), kind):
            raise BundleError(_damaged(folder / CONFIG, f"{name} is missing or of the wrong kind"))
    return config


def _checked(folder: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    """The bytes of a file, once their hash is the one noted when the bot was saved."""
    content = _read(folder / name)
    if _sha256(content) != hashes.get(name):
        raise BundleError(_damaged(folder / name, "its SHA-256 is not the one noted when it was written"))
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
        raise BundleError(_damaged(folder / WEIGHTS, _line(error))) from error
    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in model.state_dict().items()}
    found = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
    wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    if wrong:
        raise BundleError(_damaged(folder / WEIGHTS, f"{wrong[0]} does not fit the network that {CONFIG} describes"))
    model.load_state_dict(tensors, assign=True)
    return model


# ---------------------------------------------------------------------------------------------------- bytes


def _read(path: Path) -> bytes:
    """All bytes of a file; a missing one and an unreadable one are named."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BundleError(_damaged(path, "it is missing")) from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from error


def _object(path: Path, raw: bytes) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(_damaged(path, f"no JSON ({_line(error)})")) from error
    if not isinstance(value, dict):
        raise BundleError(_damaged(path, "expected a JSON object"))
    return value


def _json(value: Mapping[str, Any]) -> bytes:
    """JSON for people and programs; a lone surrogate is written as JSON's escape of it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def _finite(value: Any) -> Any:
    """NaN and infinity, which JSON does not know, as null: a curve that diverged must not cost the bot."""
    if isinstance(value, Mapping):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _signed(body: Mapping[str, Any]) -> bytes:
    """config.json: the body and the SHA-256 of its own JSON, so that a change here is noticed too."""
    return _json({**body, "checksum": _sha256(_json(body))})


def _sha256(content: bytes) -> str:
    """The hash as it stands in config.json."""
    return hashlib.sha256(content).hexdigest()


def _line(error: Exception) -> str:
    """The first line of somebody else's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _damaged(path: Path, what: str) -> str:
    """One line that names the file, what is wrong with it, and the way out."""
    return f"{path}: damaged bot, {what}: copy the folder again, or make it anew with `chatbot fit`"
