"""Pieces: a SentencePiece model trained on the training side only, and texts encoded with it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import sentencepiece as spm

from data_prep.errors import PrepareError
from data_prep.store import TOKENIZER

PAD, UNK, BOS, EOS, SEP = range(5)
# After a turn of the context: of the other, one's own, a persona. Control symbols, not user-defined ones: a person who
# types "<sep>" does not get its id.
CONTROL_SYMBOLS = ("<sep>", "<own>", "<persona>")
_MOST_PIECES = 1_000_000  # a bot has a row of weights for each
_MOST_TEXTS = 1 << 40  # no corpus has more; a number that SentencePiece can hold
_THREADS = 4  # fixed: the sums of unigram training, and so the bytes of the model, depend on it


@dataclass(frozen=True)
class VocabularyConfig:
    """How text is cut into pieces."""

    kind: Literal["unigram", "characters"] = "unigram"
    """unigram: subwords by SentencePiece; characters: one piece a character."""
    size: int = 8000
    """Number of pieces, byte and control pieces included; lowered with a notice where the corpus is too small."""
    sample: int = 2_000_000
    """At most this many distinct training texts are read to choose the pieces."""
    model: str | None = None
    """A bot, a prepared folder or a tokenizer.model whose pieces to use rather than to train others: to go on training
    that bot with `chatbot fit --from`."""

    def __post_init__(self) -> None:
        if self.model is not None:
            given(self.model)
        if self.kind not in ("unigram", "characters"):
            raise PrepareError(
                f"vocabulary.kind is {self.kind!r}; expected unigram or characters; set --vocabulary.kind"
            )
        if self.size < 300:
            raise PrepareError(
                f"vocabulary.size is {self.size}; expected at least 300 (256 pieces are the bytes); "
                "set --vocabulary.size"
            )
        if self.size > _MOST_PIECES:
            raise PrepareError(
                f"vocabulary.size is {self.size:,}; expected at most {_MOST_PIECES:,}; set --vocabulary.size"
            )
        if self.sample < 1:
            raise PrepareError(f"vocabulary.sample is {self.sample}; expected at least 1")


def given(path: str) -> bytes:
    """The SentencePiece model of a bot, of a prepared folder, or in a file.

    Raises:
        PrepareError: there is none, or its special pieces are not ours.
    """
    file = Path(path) / TOKENIZER if Path(path).is_dir() else Path(path)
    wanted = "expected a bot, a prepared folder or a tokenizer.model"
    try:
        model = file.read_bytes()
        pieces = spm.SentencePieceProcessor(model_proto=model)
    except OSError as error:
        raise PrepareError(f"vocabulary.model: {file}: cannot be read ({error.strerror}); {wanted}") from error
    except (RuntimeError, ValueError) as error:
        raise PrepareError(f"vocabulary.model: {file}: no SentencePiece model; {wanted}") from error
    if [pieces.piece_to_id(name) for name in CONTROL_SYMBOLS] != [SEP + place for place in range(len(CONTROL_SYMBOLS))]:
        raise PrepareError(f"vocabulary.model: {file}: lacks {', '.join(CONTROL_SYMBOLS)}; {wanted} of this version")
    return model


def train(texts: Iterable[str], config: VocabularyConfig) -> bytes | None:
    """The serialised SentencePiece model of ``texts``, or None where they are too few to train on.

    Identity normalisation: the repairs have had their say, and bits per character stay true. Every text can be
    spelt, since what no piece covers falls back to bytes. Kudo 2018 (unigram), Kudo & Richardson 2018.

    Raises:
        whatever ``texts`` raises.
    """
    model = io.BytesIO()
    trouble: list[BaseException] = []  # SentencePiece takes any error of its iterator for the end of a training
    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=_kept(texts, trouble),
            model_writer=model,
            model_type="char" if config.kind == "characters" else "unigram",
            vocab_size=config.size,
            hard_vocab_limit=False,
            byte_fallback=True,
            character_coverage=0.9995,
            normalization_rule_name="identity",
            input_sentence_size=min(config.sample, _MOST_TEXTS),
            pad_id=PAD,
            unk_id=UNK,
            bos_id=BOS,
            eos_id=EOS,
            control_symbols=list(CONTROL_SYMBOLS),
            num_threads=_THREADS,
            minloglevel=2,
        )
    except RuntimeError:
        model = io.BytesIO()  # SentencePiece found no text, or fewer pieces than the control pieces need
    if trouble:
        raise trouble[0]
    return model.getvalue() or None


def _kept(texts: Iterable[str], trouble: list[BaseException]) -> Iterator[str]:
    try:
        yield from texts
    except BaseException as error:
        trouble.append(error)
        raise


class Encoder:
    """Texts to ids, many at a time."""

    def __init__(self, model: bytes) -> None:
        self._pieces = spm.SentencePieceProcessor(model_proto=model)
        self.size: int = self._pieces.vocab_size()
        self.dtype: type[np.generic] = np.uint16 if self.size <= 1 << 16 else np.int32

    def encode(self, texts: Sequence[str], threads: int | None = None) -> pa.LargeListArray:
        """Pieces of each text, no special ids: large_list<uint16> (int32 above 65,536 pieces).

        Args:
            texts: as they are.
            threads: None for one a core.
        """
        rows: list[list[int]] = self._pieces.encode(list(texts), num_threads=threads or os.cpu_count() or 1)
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        flat = np.fromiter(chain.from_iterable(rows), dtype=self.dtype, count=int(offsets[-1]))
        return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat))
