"""turns.parquet: what was read, a message a row, before any rule; ``sources.turns_again`` reads it.

With all that a dialogue is: what is left out here is lost to whoever prepares these turns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_prep.anonymise import Anonymiser
from data_prep.clean import hidden_names
from data_prep.columns import Bools, large
from data_prep.corpus import Part
from data_prep.ours import MARK, TURNS
from data_prep.place import Place
from data_prep.progress import Stages
from data_prep.rules import repair

_PERSONA = pa.struct([("speaker", pa.large_string()), ("text", pa.large_string())])
_SCHEMA = pa.schema(
    [
        ("dialogue", pa.large_string()),
        ("turn", pa.int32()),
        ("speaker", pa.large_string()),
        ("time", pa.timestamp("ms")),
        ("text", pa.large_string()),
        ("answers", pa.int32()),
        ("group", pa.large_string()),
        ("personas", pa.large_list(_PERSONA)),
    ],
    metadata=MARK,
)


def write_turns(
    work: Place, folder: Place, parts: Sequence[Part], anonymiser: Anonymiser | None, progress: Stages
) -> None:
    """Write all turns.

    The columns are dialogue, turn (its place there), speaker, time (null where not known), text, answers (the place of
    the turn that it expressly replies to, or null), group (what stays on one side of a split), and on the first turn
    of a dialogue its personas (speaker and text of each).
    """
    groups: dict[str, int] = {}
    with (
        folder.writing(TURNS) as opened,
        pq.ParquetWriter(opened, _SCHEMA, compression="zstd") as writer,
        progress.rows("writing turns", sum(part.turns for part in parts)) as advance,
    ):
        for number, part in enumerate(parts):
            table = work.read_table(f"turns/{part.name}.parquet")
            if anonymiser is not None:
                table = table.set_column(0, "dialogue", hidden_names(len(table), number))
                table = table.set_column(1, "group", _hidden_groups(table["group"].to_pylist(), groups))
            table = flat(table)
            writer.write_table(table if anonymiser is None else _hidden(table, anonymiser))
            advance(part.turns)


def flat(part: pa.Table) -> pa.Table:
    """A part of dialogues as rows of turns."""
    part = part.combine_chunks()
    texts = part["texts"].chunk(0)
    lengths = pc.list_value_length(texts).to_numpy(zero_copy_only=False)
    starts = np.r_[0, np.cumsum(lengths)]
    turn = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
    owner = pa.array(np.repeat(np.arange(len(lengths)), lengths))
    times = pc.multiply(part["times"].chunk(0).flatten(), 1000.0)
    columns = [
        part["dialogue"].chunk(0).take(owner),
        pa.array(turn.astype(np.int32)),
        part["speakers"].chunk(0).flatten(),
        pc.cast(pc.cast(pc.round(times), pa.int64()), pa.timestamp("ms")),
        texts.flatten(),
        part["answers"].chunk(0).flatten(),
        part["group"].chunk(0).take(owner),
        _personas(part, turn == 0),
    ]
    return pa.table(columns, schema=_SCHEMA)


def _personas(part: pa.Table, first: Bools) -> pa.LargeListArray:
    """Those of each dialogue, on the first of its turns."""
    described, texts = part["described"].chunk(0), part["personas"].chunk(0)
    sizes = np.zeros(len(first), np.int64)
    sizes[first] = pc.list_value_length(texts).to_numpy(zero_copy_only=False)
    each = pa.StructArray.from_arrays([described.flatten(), texts.flatten()], fields=list(_PERSONA))
    return pa.LargeListArray.from_arrays(pa.array(np.r_[0, np.cumsum(sizes)]), each)


def _hidden_groups(names: list[str], known: dict[str, int]) -> pa.LargeStringArray:
    """Groups by number: they are called as films, chats and files are, which are often names of people."""
    return pa.array([f"group {known.setdefault(name, len(known) + 1)}" for name in names], pa.large_string())


def _hidden(table: pa.Table, anonymiser: Anonymiser) -> pa.Table:
    speakers = [anonymiser.speaker(name) for name in table["speaker"].to_pylist()]
    texts = [_hidden_text(text, anonymiser) for text in large(table["text"]).to_pylist()]
    told = [
        [
            {"speaker": anonymiser.speaker(each["speaker"]), "text": _hidden_text(each["text"], anonymiser)}
            for each in some
        ]
        for some in table["personas"].to_pylist()
    ]
    for name, values in (("speaker", speakers), ("text", texts), ("personas", told)):
        place = _SCHEMA.get_field_index(name)
        table = table.set_column(place, _SCHEMA.field(name), pa.array(values, _SCHEMA.field(name).type))
    return table


def _hidden_text(text: str, anonymiser: Anonymiser) -> str:
    """A text as it was read, with placeholders; repaired where only that lays bare a name (``Z&eacute;lda``)."""
    hidden = anonymiser.text(text)
    mended = repair(hidden)
    return hidden if anonymiser.text(mended) == mended else anonymiser.text(repair(text))
