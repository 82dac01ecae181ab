"""prepare.yaml tells what was asked, and nothing of where things lie on the machine that it was asked on."""

import shutil

import pytest

from data_prep.config import PrepareConfig
from data_prep.pipeline import prepare
from data_prep.vocabulary import VocabularyConfig


@pytest.mark.parametrize("anonymise", [False, True])
def test_no_path_is_in_the_settings(tmp_path, transcript, anonymise):
    prepare([transcript], tmp_path / "first", PrepareConfig(workers=1, vocabulary=VocabularyConfig(size=400)))
    lists = {}
    for name in ("banned", "names"):
        (tmp_path / f"{name}.txt").write_text("Zorro\n", encoding="utf-8")
        lists[name] = str(tmp_path / f"{name}.txt")
    shutil.copy(tmp_path / "first" / "tokenizer.model", tmp_path / "tokenizer.model")
    for model in ("first", "tokenizer.model"):
        config = PrepareConfig(
            workers=1,
            anonymise=anonymise,
            vocabulary=VocabularyConfig(model=str(tmp_path / model)),
            banned=lists["banned"],
            names=lists["names"] if anonymise else None,
        )
        prepare([transcript], tmp_path / "out", config)
        for file in ("prepare.yaml", "report.json", "report.md", "report.html"):
            assert str(tmp_path) not in (tmp_path / "out" / file).read_text("utf-8")
        assert f"model: {model}" in (tmp_path / "out" / "prepare.yaml").read_text("utf-8")
