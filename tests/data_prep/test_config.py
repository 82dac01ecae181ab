"""What a user may ask for: what cannot be is refused in a line, and what is only large is no fault of ours."""

import pytest

from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.pairs import PairConfig
from data_prep.pipeline import prepare
from data_prep.vocabulary import VocabularyConfig

HUGE = 99999999999999999999


def test_a_limit_beyond_all_texts_is_no_limit(tmp_path, transcript):
    bare = PrepareConfig(workers=1, pairs=PairConfig(context_words=10_000), vocabulary=VocabularyConfig(size=400))
    huge = PrepareConfig(
        workers=1,
        pairs=PairConfig(context_words=HUGE, persona_words=HUGE),
        vocabulary=VocabularyConfig(size=400, sample=HUGE),
    )
    prepare([transcript], tmp_path / "bare", bare)
    prepare([transcript], tmp_path / "huge", huge)
    for file in ("report.json", "ids/train.arrow", "ids/valid.arrow"):
        assert (tmp_path / "bare" / file).read_bytes() == (tmp_path / "huge" / file).read_bytes()


@pytest.mark.parametrize("size", [1_000_001, 2_000_000_000, 99999999999, HUGE])
def test_a_vocabulary_that_nobody_could_train_is_refused(size):
    with pytest.raises(PrepareError, match=r"vocabulary\.size is .*; expected at most 1,000,000"):
        VocabularyConfig(size=size)
