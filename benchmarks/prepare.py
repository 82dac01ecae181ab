"""How long `chatbot prepare` takes on a raw corpus, beside SentencePiece alone on the same text in the same run.

python benchmarks/prepare.py --data CORPUS
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from measure import measured
from table import print_table, report_bars

from data_prep.store import open_prepared
from data_prep.vocabulary import Encoder, VocabularyConfig, train

SECONDS, GIGABYTES, RATIO = 30.0, 2.0, 2.0  # for Cornell on two cores


def floor(folder: Path) -> tuple[float, int]:
    """Seconds to train the pieces on the distinct training texts and to encode them, and how many they are."""
    table = pq.read_table(folder / "train")
    texts = list(dict.fromkeys(turn for row in table["context"].to_pylist() for turn in row[-1:]))
    texts = list(dict.fromkeys(texts + table["reply"].to_pylist()))
    began = time.perf_counter()
    model = train(texts, VocabularyConfig())
    if model is None:
        sys.exit("the corpus is too small for a vocabulary: give a larger one with --data")
    Encoder(model).encode(texts)
    return time.perf_counter() - began, len(texts)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a raw corpus")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "prepared"
        seconds, gigabytes = measured("prepare", data, "--output", output)
        report = open_prepared(output).report
        alone, texts = floor(output)
    print_table(
        ("what", "figure"),
        [
            ("pairs seen, kept", f"{report['seen']:,}, {report['kept']:,}"),
            ("whole run", f"{seconds:.1f} s, {gigabytes:.2f} GB, {report['turns'] / seconds:,.0f} turns/s"),
            (f"SentencePiece alone, {texts:,} texts", f"{alone:.1f} s"),
            ("ratio", f"{seconds / alone:.2f}"),
        ],
    )
    return report_bars(
        [
            ("prepare seconds", f"{seconds:.1f}", seconds < SECONDS),
            ("prepare gigabytes", f"{gigabytes:.2f}", gigabytes < GIGABYTES),
            ("prepare over SentencePiece alone", f"{seconds / alone:.2f}", seconds / alone <= RATIO),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
