from collections import Counter

import pytest

from data_prep.config import PrepareConfig
from data_prep.errors import PrepareError
from data_prep.plan import check_speaker


@pytest.mark.parametrize(
    ("speakers", "there"), [({"Ann": 2, "": 5}, "expected one of 'Ann'$"), ({"": 5}, "no line here names a speaker$")]
)
def test_nobody_is_no_name_to_choose(speakers, there):
    with pytest.raises(PrepareError, match=there):
        check_speaker(PrepareConfig(me="Cy"), Counter(speakers))
