"""Text to ids and back, the special ids, and how the turns of a conversation are joined.

Training and chatting both pass through here, so that the model reads in the chat what it learnt to read.
"""

from __future__ import annotations

from collections.abc import Sequence

import sentencepiece as spm

from chatbot.errors import ChatbotError
from data_prep.text import printable

PAD, UNK, BOS, EOS, SEP = range(5)
_FIRST_FREE = SEP + 1
_SPECIAL = {"<unk>": UNK, "<s>": BOS, "</s>": EOS, "<sep>": SEP}


class Tokenizer:
    """A SentencePiece model, given as the bytes of its file.

    Raises:
        ChatbotError: the bytes are no SentencePiece model, or its special ids are not this project's.
    """

    def __init__(self, model: bytes) -> None:
        try:
            self._pieces = spm.SentencePieceProcessor(model_proto=model)
        except (RuntimeError, OSError, ValueError) as error:
            raise ChatbotError(
                f"tokenizer: {len(model):,} bytes that are no SentencePiece model; run `chatbot prepare` again"
            ) from error
        found = {piece: self._pieces.piece_to_id(piece) for piece in _SPECIAL}
        if self._pieces.pad_id() != PAD or found != _SPECIAL:
            raise ChatbotError(
                f"tokenizer: special ids are {found} with padding {self._pieces.pad_id()}, expected {_SPECIAL} "
                f"with padding {PAD}; take one that `chatbot prepare` made"
            )

    @property
    def vocab_size(self) -> int:
        """Number of pieces, the special ones included."""
        return int(self._pieces.vocab_size())

    def encode(self, text: str) -> list[int]:
        """Ids of a text; never a special one, whatever is typed. A lone surrogate becomes a question mark."""
        clean = text.encode("utf-8", "replace").decode("utf-8")
        return [i for i in self._pieces.encode(clean) if i >= _FIRST_FREE]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special ones passed over; bytes that are no UTF-8 become U+FFFD.

        Raises:
            ValueError: an id lies outside the vocabulary.
        """
        if ids and not (min(ids) >= 0 and max(ids) < self.vocab_size):
            raise ValueError(f"ids must lie in 0..{self.vocab_size - 1}, got {min(ids)}..{max(ids)}")
        return str(self._pieces.decode([int(i) for i in ids if i >= _FIRST_FREE]))

    def piece(self, index: int) -> str:
        """One piece as SentencePiece writes it: ``▁`` for the space, ``<0x0A>`` for a byte."""
        return str(self._pieces.id_to_piece(index))

    def control_ids(self) -> list[int]:
        """Ids that a reply must never hold: all special ones but the end, and whatever spells a control character.

        Bytes from 0x80 on stay: they are the inner bytes of ordinary letters.
        """
        return [i for i in range(self.vocab_size) if i != EOS and self._is_control(i)]

    def _is_control(self, index: int) -> bool:
        pieces = self._pieces
        if pieces.is_control(index) or pieces.is_unknown(index) or pieces.is_unused(index):
            return True
        piece = self.piece(index)
        if pieces.is_byte(index):
            byte = int(piece[3:-1], 16)  # "<0x0A>"
            return byte < 0x20 or byte == 0x7F
        return printable(piece) != piece


def join(turns: Sequence[Sequence[int]], context_turns: int) -> list[int]:
    """The source that the encoder reads: the last ``context_turns`` turns, ``t1 SEP t2 SEP ... tk EOS``.

    >>> join([[7], [8, 9], [10]], context_turns=2)
    [8, 9, 4, 10, 3]

    Raises:
        ValueError: there is no turn, or none is asked for.
    """
    if context_turns < 1 or not turns:
        raise ValueError(f"expected at least one turn, got {len(turns)} and context_turns={context_turns}")
    joined: list[int] = []
    for turn in turns[-context_turns:]:
        joined += [*turn, SEP]
    joined[-1] = EOS
    return joined
