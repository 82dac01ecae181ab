"""Text to ids and back, the special ids, and how the turns of a conversation are joined.

Training and chatting both pass through here, so that the model reads in the chat what it learnt to read.
"""

from __future__ import annotations

from collections.abc import Sequence

import sentencepiece as spm

from chatbot.errors import ChatbotError
from data_prep.text import printable

PAD, UNK, BOS, EOS, SEP, OWN, PERSONA = range(7)
_FIRST_FREE = PERSONA + 1
_SPECIAL = {"<unk>": UNK, "<s>": BOS, "</s>": EOS, "<sep>": SEP, "<own>": OWN, "<persona>": PERSONA}


class Tokenizer:
    """A SentencePiece model, given as the bytes of its file.

    Raises:
        ChatbotError: the bytes are no SentencePiece model, or its special ids are not this project's.
    """

    def __init__(self, model: bytes) -> None:
        self.model = model
        """The bytes of its file."""
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
                f"with padding {PAD}; run `chatbot prepare` again"
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

    def surface(self, index: int) -> bytes:
        """What a piece adds to a text, casefolded, in UTF-8: a byte of a byte piece, nothing of a special one."""
        if index < _FIRST_FREE:
            return b""
        piece = self.piece(index)
        if self._pieces.is_byte(index):
            return bytes([int(piece[3:-1], 16)]).lower()  # "<0x0A>"; of the letters only ASCII's are one byte
        return piece.replace("\u2581", " ").casefold().encode()

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


def join(
    turns: Sequence[Sequence[int]], context_turns: int, roles: Sequence[int] | None = None, most: int | None = None
) -> list[int]:
    """The source that the encoder reads: the last ``context_turns`` turns, each followed by a mark, the last by EOS.

    The mark says whose turn it was, seen by the one who replies: SEP the other's, OWN one's own. A persona, marked as
    such, stands before them and is not counted among them. ``roles`` (0 other, 1 own, 2 persona) are those of the
    turns; None: two speak in turn, the other last. Of more than ``most`` ids the oldest are left out.

    >>> join([[7], [8, 9], [10]], context_turns=2)
    [8, 9, 5, 10, 3]
    >>> join([[7], [8, 9], [10], [11]], 2, roles=[2, 0, 1, 0])
    [7, 6, 10, 5, 11, 3]

    Raises:
        ValueError: there is no turn, or none is asked for.
    """
    if roles is None:
        roles = [(len(turns) - 1 - place) % 2 for place in range(len(turns))]
    persona = 1 if turns and roles[0] == PERSONA - SEP else 0
    if context_turns < 1 or len(turns) == persona:
        raise ValueError(f"expected at least one turn, got {len(turns) - persona} and context_turns={context_turns}")
    first = max(persona, len(turns) - context_turns)
    joined: list[int] = []
    for place in (*range(persona), *range(first, len(turns))):
        joined += [*turns[place], SEP + roles[place]]
    joined[-1] = EOS
    return joined[-most:] if most else joined
