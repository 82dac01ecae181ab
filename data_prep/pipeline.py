"""prepare(): raw files → turns → repaired, judged pairs → repeats → splits → pieces → the prepared folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_prep import books, dedupe, splitting, stages, store
from data_prep.anonymise import Anonymiser
from data_prep.clean import CleanConfig, count_seen, new_tally
from data_prep.config import PrepareConfig
from data_prep.corpus import Part, Parts, find_leaks, find_overlap
from data_prep.encoding import encode_splits, train_vocabulary
from data_prep.errors import PrepareError
from data_prep.filters import FilterConfig, Filters, read_banned
from data_prep.place import Place
from data_prep.plan import Plan, anonymiser_for, check_speaker, plan_all
from data_prep.progress import Stages
from data_prep.progress import stages as shown_stages
from data_prep.report import Report, reasons_in_order
from data_prep.report_html import draw
from data_prep.rules.whole_columns import PASSED
from data_prep.runner import Runner, running
from data_prep.shape import Shape
from data_prep.split import TEST, TRAIN, VALID
from data_prep.tally import Tally
from data_prep.turns import write_turns

_TOP_REPLIES = 20
_MUCH = 1 << 24  # bytes of input that are sure to make several parts


@dataclass
class Run:
    """What the stages of one run share."""

    config: PrepareConfig
    folder: Place
    work: Place
    report: Report
    runner: Runner
    progress: Stages
    shape: Shape
    anonymiser: Anonymiser | None = None


def prepare(inputs: Sequence[Path | str], output: Path | str, config: PrepareConfig) -> Report:
    """Prepare ``inputs`` into the folder ``output``, which appears whole or not at all.

    A run that was killed leaves its work beside ``output``; the same command goes on after the last finished part.

    Args:
        inputs: files, folders, zips, URLs that fsspec knows, ``hf://`` corpora.
        output: a path, or a URL of a file system that fsspec knows.
        config: rules and limits, and where the work is done.

    Raises:
        PrepareError: an input cannot be read, nothing in it is talk, or ``output`` holds other things.
    """
    place = store.check_output(output)
    Filters(filter_config(config))  # a list or language that is wrong is told before the work begins
    report = Report(tally=new_tally())
    plan = plan_all(inputs, config, report.notes, place.local)
    with (
        shown_stages() as progress,
        store.writing(place, plan.fingerprint(config)) as folder,
        running(config.runner, config.workers, config.ray_address) as runner,
    ):
        run = Run(config, folder, folder / store.WORK, report, runner, progress, Shape())
        parts = _read(run, plan)
        if config.stop_after == "read":
            write_turns(run.work, run.folder, parts, run.anonymiser, progress)
            report.hide(run.anonymiser)
        else:
            _clean_and_split(run, parts)
            drawn = _vocabulary(run) if config.stop_after is None else None
            books.write(run.folder, plan, config, report, run.shape, run.anonymiser, drawn)
    return report


def _read(run: Run, plan: Plan) -> list[Part]:
    """Read all inputs into parts, those of given splits first."""
    parts: list[Part] = []
    speakers: Counter[str] = Counter()
    groups: set[int] = set()
    tasks = plan.tasks(run.work)
    if plan.size > _MUCH:
        run.runner.ready()
    with run.progress.rows("reading") as advance:
        for task, done in zip(tasks, run.runner.map(stages.read, [task for _, task in tasks]), strict=True):
            new = [Part(p["name"], p["dialogues"], p["turns"], task[0]) for p in done["parts"]]
            advance(sum(part.turns for part in new))
            parts += new
            plan.notes.add(done["passed_over"], done["left_out"], done["warnings"], done["names"])
            speakers.update(done["speakers"])
            groups.update(done["groups"])
            run.report.formats.update(done["formats"])
    run.report.dialogues = sum(part.dialogues for part in parts)
    run.report.turns = sum(part.turns for part in parts)
    if not any(part.turns for part in parts if part.given is None):
        raise PrepareError(plan.nothing())
    check_speaker(run.config, speakers)
    run.report.groups = len(groups)
    run.anonymiser = anonymiser_for(run.config, speakers, plan.notes.names)
    return parts


def clean_config(config: PrepareConfig, groups: int, anonymiser: Anonymiser | None) -> CleanConfig:
    """What the cleaning of one part depends on."""
    split = replace(config.split, valid=0, test=0) if config.given else config.split
    return CleanConfig(
        limits=config.limits,
        pairs=config.pairs,
        filters=filter_config(config),
        split=split,
        by_group=split.by_group(groups),
        me=config.me,
        bands=config.dedupe.bands,
        compare=bool(config.given),
        anonymiser=anonymiser,
    )


def filter_config(config: PrepareConfig) -> FilterConfig:
    """The filters that were asked for, their lists read."""
    return FilterConfig(config.language, read_banned(config.banned) if config.banned else ())


def _clean_and_split(run: Run, parts: list[Part]) -> None:
    config = clean_config(run.config, run.report.groups, run.anonymiser)
    tasks = [stages.CleanTask(run.work, part.name, number, config, part.given) for number, part in enumerate(parts)]
    with run.progress.rows("cleaning", run.report.turns) as advance:
        for done in run.runner.map(stages.clean, tasks):
            run.report.tally.merge(Tally.from_json(done["tally"]))
            run.report.notes.counts.update(done["left_out"])
            run.shape.turns.update({int(turns): number for turns, number in done["lengths"].items()})
            advance(done["turns"])
    corpus = Parts(run.work, parts, run.runner, near=run.config.dedupe.near is not None)
    run.report.seen = len(corpus.verdict)
    run.report.leaks = find_leaks(run.work, parts) if config.compare else {}
    shared, tested = find_overlap(run.work, parts) if config.compare else (0, 0)
    if shared:
        run.report.warnings.append(
            f"{shared:,} of the {tested:,} pairs given with --test stand in --valid too: "
            "what is measured on them has been chosen by them; give splits that share nothing"
        )
    with run.progress.doing("looking for repeats") as rename:
        verdict = dedupe.find_repeats(corpus, run.config.dedupe, rename)
    _write(run, parts, corpus, verdict)
    count_seen(run.report.tally, run.report.turns, int((~corpus.given).sum()))


def _vocabulary(run: Run) -> str:
    """Train the vocabulary and encode the splits; what of the report is drawn comes back.

    It is drawn meanwhile: it takes a second, and the training seldom keeps all cores busy.
    """
    drawing: list[Future[str]] = []
    with ThreadPoolExecutor(1) as beside:

        def begin() -> None:
            drawing.append(beside.submit(draw, run.report, run.shape))

        model = train_vocabulary(run.folder, run.config.vocabulary, run.report, run.runner, run.progress, begin)
        if model is not None:
            encode_splits(run.folder, model, run.runner, run.progress)
        return drawing[0].result() if drawing else draw(run.report, run.shape)


def _write(run: Run, parts: list[Part], corpus: Parts, verdict: dedupe.Verdicts) -> None:
    """Write train/, valid/, test/ and dropped/, and enter what was dropped, and why, into the books."""
    homes = _homes(run, corpus, verdict)
    top = corpus.most_frequent_replies(_TOP_REPLIES)
    tasks = [
        splitting.WriteTask(
            run.work,
            run.folder,
            part.name,
            number,
            part.given is not None,
            homes,
            corpus.of_part(number, verdict),
            top,
        )
        for number, part in enumerate(parts)
    ]
    sizes: Counter[str] = Counter(dict.fromkeys(store.SPLITS, 0))
    dropped: Counter[str] = Counter()
    with run.progress.rows("writing pairs", len(verdict)) as advance:
        for task, done in zip(tasks, run.runner.map(splitting.write, tasks), strict=True):
            sizes.update(done["rows"])
            dropped.update(done["dropped"])
            run.report.tally.merge(Tally.from_json(done["tally"]))
            run.shape.merge(Shape.from_json(done["shape"]))
            advance(len(task.verdict))
    splitting.write_empty(run.folder, sizes, dropped)
    run.report.splits = {name: sizes[name] for name in store.SPLITS}
    run.report.dropped = reasons_in_order(dropped)


def _homes(run: Run, corpus: Parts, verdict: dedupe.Verdicts) -> tuple[int, int, int]:
    """The split that the pairs of each go to: where few are held out, training comes first and validation second."""
    config, warnings = run.config, run.report.warnings
    passed = verdict == PASSED
    free = np.bincount(corpus.split[passed & ~corpus.given], minlength=3)
    if config.given:
        if not free[TRAIN]:
            warnings.append("no pair is left for training: what was given held out has them all")
        elif not (passed & (corpus.split == VALID)).any():
            warnings.append("no pair to validate on: give --valid too, or `chatbot fit` cannot stop early")
        return TRAIN, VALID, TEST
    held = free[VALID] + free[TEST]
    if not free[TRAIN] or not held:
        if config.split.valid or config.split.test:
            warnings.append("too few dialogues to hold some out: all pairs are for training")
        return TRAIN, TRAIN, TRAIN
    if config.split.valid and not free[VALID]:
        warnings.append("too few dialogues for a test split: those held out are for validation")
        return TRAIN, VALID, VALID
    return TRAIN, VALID, TEST
