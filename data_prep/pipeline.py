"""prepare(): raw files → turns → repaired pairs → judged, de-duplicated, split → pieces → the prepared folder."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import daft
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from daft import DataType, col

from data_prep import dedupe, sources, store
from data_prep.clean import CLEANED, CleanConfig, clean_batch, clean_dialogue, count_seen, new_tally
from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pairs import PairConfig
from data_prep.progress import Stages, stages
from data_prep.records import Dialogue
from data_prep.report import Report
from data_prep.sources.files import valid
from data_prep.tally import Tally
from data_prep.writing import encode_splits, train_vocabulary, write_splits

BATCH = 4096  # dialogues that are cleaned at a time
PREVIEW = 1000  # dialogues that a dry run looks at
_DIALOGUES = pa.schema(
    [
        ("place", pa.int64()),
        ("dialogue", pa.string()),
        ("speakers", pa.list_(pa.string())),
        ("texts", pa.list_(pa.string())),
    ]
)


def prepare(inputs: list[Path], output: Path, config: PrepareConfig) -> Report:
    """Prepare ``inputs`` into the folder ``output``, which appears whole or not at all.

    Raises:
        PrepareError: an input cannot be read, nothing in it is talk, or ``output`` holds other things.
    """
    output = output.resolve()  # a link stays a link
    store.check_output(output)
    report = Report(tally=new_tally())
    readings = sources.plan(inputs, config.format, report.notes, output)
    for reading in readings:
        report.formats[reading.format] = report.formats.get(reading.format, 0) + 1
    with stages() as progress, store.writing(output) as folder:
        work = folder / "work"
        work.mkdir()
        _read(_dialogues(readings), work / "dialogues.parquet", config.pairs, report, progress)
        _clean(work / "dialogues.parquet", work / "cleaned.parquet", config.clean, report, progress)
        with progress.doing("removing repeats"):
            repeats = dedupe.find_repeats(_keys(work / "cleaned.parquet"), config.dedupe)
        write_splits(work / "cleaned.parquet", folder, repeats, config.split, report, progress)
        model = train_vocabulary(folder, config.vocabulary, report, progress)
        if model is not None:
            encode_splits(folder, model, progress)
        shutil.rmtree(work)
        _write_books(folder, inputs, config, report)
    return report


def preview(inputs: list[Path], config: PrepareConfig) -> tuple[list[Dialogue], Report]:
    """The first dialogues as they are understood, and what the repairs and judges would do to them.

    Nothing is written; what needs the whole corpus (repeats, splits, pieces) is left out.
    """
    report = Report(tally=new_tally())
    readings = sources.plan(inputs, config.format, report.notes)
    for reading in readings:
        report.formats[reading.format] = report.formats.get(reading.format, 0) + 1
    first = list(islice(_dialogues(readings), PREVIEW))
    _check_speaker(config.pairs, Counter(turn.speaker for dialogue in first for turn in dialogue.turns))
    for place, dialogue in enumerate(first):
        report.dialogues += 1
        report.turns += len(dialogue.turns)
        for _, reason in clean_dialogue(dialogue, config.clean, report.tally, place):
            report.seen += 1
            if reason is None:
                report.splits["kept"] = report.splits.get("kept", 0) + 1
            else:
                report.dropped[reason] = report.dropped.get(reason, 0) + 1
    count_seen(report.tally, report.turns, report.seen)
    return first, report


def _dialogues(readings: list[sources.Reading]) -> Iterator[Dialogue]:
    for reading in readings:
        yield from reading.dialogues()


def _read(dialogues: Iterator[Dialogue], path: Path, config: PairConfig, report: Report, progress: Stages) -> None:
    speakers: Counter[str] = Counter()
    with pq.ParquetWriter(path, _DIALOGUES) as writer:
        counted = progress.track(dialogues, "reading")
        while rows := list(islice(counted, BATCH)):
            places = range(report.dialogues, report.dialogues + len(rows))
            columns = [
                list(places),
                [valid(row.id) for row in rows],
                [[valid(turn.speaker) for turn in row.turns] for row in rows],
                [[valid(turn.text) for turn in row.turns] for row in rows],
            ]
            writer.write_table(pa.table(columns, schema=_DIALOGUES))
            report.dialogues += len(rows)
            report.turns += sum(len(row.turns) for row in rows)
            if config.me is not None:
                speakers.update(turn.speaker for row in rows for turn in row.turns)
    _check_speaker(config, speakers)
    if not report.turns:
        raise PrepareError("the inputs hold no dialogue; expected at least one; see `chatbot prepare --dry-run`")


def _check_speaker(config: PairConfig, speakers: Counter[str]) -> None:
    if config.me is not None and config.me not in speakers:
        known = ", ".join(repr(name) for name, _ in speakers.most_common(5))
        raise PrepareError(f"pairs.me is {config.me!r}, who says nothing here; expected one of {known}")


def _clean(dialogues: Path, cleaned: Path, config: CleanConfig, report: Report, progress: Stages) -> None:
    dtype = DataType.from_arrow_type(CLEANED)

    @daft.func.batch(return_dtype=dtype, batch_size=BATCH)
    def clean(place: daft.Series, dialogue: daft.Series, speakers: daft.Series, texts: daft.Series) -> daft.Series:
        rows = clean_batch(place.to_arrow(), dialogue.to_arrow(), speakers.to_arrow(), texts.to_arrow(), config)
        return daft.Series.from_arrow(rows)

    columns = [col(name) for name in _DIALOGUES.names]
    frame = daft.read_parquet(str(dialogues)).select("place", "dialogue", clean(*columns).alias("cleaned"))
    frame = frame.select("place", "dialogue", *(col("cleaned")[f.name].alias(f.name) for f in CLEANED))
    writer: pq.ParquetWriter | None = None
    last = -1
    batches = -(-report.dialogues // BATCH)
    for batch in progress.track(frame.to_arrow_iter(), "cleaning", batches):
        table = pa.table(batch) if isinstance(batch, pa.RecordBatch) else batch
        if not len(table):
            continue
        if table["place"][0].as_py() != last + 1:
            raise RuntimeError("the dataframe engine gave the dialogues back in another order")
        last = table["place"][-1].as_py()
        for books in table["tally"].drop_null().to_pylist():
            report.tally.merge(Tally.from_json(books))
        table = table.drop_columns(["tally"])
        writer = writer or pq.ParquetWriter(cleaned, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _keys(cleaned: Path) -> daft.DataFrame:
    frame = daft.read_parquet(str(cleaned)).select("split", "numbers", "pair_keys", "reply_keys", "reasons")
    frame = frame.explode("numbers", "pair_keys", "reply_keys", "reasons")
    frame = frame.where(col("numbers").not_null() & col("reasons").is_null())
    return frame.select(
        col("numbers").alias("number"),
        col("pair_keys").alias("pair_key"),
        col("reply_keys").alias("reply_key"),
        "split",
    )


def _write_books(folder: Path, inputs: list[Path], config: PrepareConfig, report: Report) -> None:
    report.check()
    settings = {"inputs": [given.resolve().name for given in inputs], **config.as_dict()}
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
    (folder / store.SETTINGS).write_text(text, encoding="utf-8")
    (folder / store.REPORT_TEXT).write_text(report.to_markdown(), encoding="utf-8")
    (folder / store.REPORT).write_text(report.to_json(), encoding="utf-8")
