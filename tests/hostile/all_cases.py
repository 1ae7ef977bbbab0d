"""All hostile tarballs, by kind."""

from collections import defaultdict

from tests.hostile.case import Case
from tests.hostile.hostile_heads import head_cases
from tests.hostile.hostile_members import member_cases
from tests.hostile.hostile_streams import stream_cases


def cases_by_kind() -> dict[str, list[Case]]:
    kinds = defaultdict(list)
    for case in (*member_cases(), *stream_cases(), *head_cases()):
        kinds[case.kind].append(case)
    return dict(kinds)
