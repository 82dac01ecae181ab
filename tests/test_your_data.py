"""docs/your-data.md as written: each sample is saved under its name, and the commands below it are run."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.cli import main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "your-data.md"
SECTIONS = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEAST = 2  # pairs that a sample must give


def blocks(section):
    return [match.groups() for match in FENCE.finditer(section)]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split("\n")[0])
def test_the_sample_gives_pairs_by_the_command_below_it(section, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ran = 0
    for kind, name, text in blocks(section):
        if kind != "sh":
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif name != "network":
            for line in text.splitlines():
                ran += run(shlex.split(line, comments=True), capsys)
    assert ran


def run(words, capsys):
    """Run a line of the page; 1 if it prepared something."""
    if words[0] == "python":
        subprocess.run([sys.executable, *words[1:]], check=True, capture_output=True)
        return 0
    assert words[0] == "chatbot"
    assert main(words[1:]) == 0, capsys.readouterr().err
    report = json.loads((Path(words[words.index("--output") + 1]) / "report.json").read_text(encoding="utf-8"))
    assert report["seen"] >= LEAST, report
    assert sum(report["dropped"].values()) < report["seen"], report["dropped"]
    return 1


def test_every_format_has_its_section():
    assert len(SECTIONS) >= 18
    assert all(blocks(section) for section in SECTIONS)
