"""After a post without an answer, its result is looked up before the post is repeated."""

from collections.abc import Callable

import pytest

from fuel_upgrade.errors import ControlPlaneError
from fuel_upgrade.upgrade.steps.reconcile import until_known


def no_wait(_seconds: float) -> None:
    pass


class Server:
    """Answers posts with the given statuses in order, and records the posts."""

    def __init__(self, *statuses: int | None, keeps: bool = False) -> None:
        self.statuses = list(statuses)
        self.keeps = keeps
        self.made: list[int] = []
        self.posts = 0

    def post(self) -> int:
        self.posts += 1
        status = self.statuses.pop(0)
        if status == 201 or self.keeps:
            self.made.append(7)
        if status != 201:
            raise ControlPlaneError("POST", "/releases/", status, "no")
        return 7

    def look(self) -> int | None:
        return next(iter(self.made), None)


def post_to(server: Server, look: Callable[[], int | None] | None = None) -> int:
    return until_known(server.post, look or server.look, sleep=no_wait)


@pytest.mark.parametrize("status", [None, 200, 500, 502, 503, 504])
def test_a_successful_post_without_an_answer_is_not_repeated(status: int | None) -> None:
    server = Server(status, keeps=True)
    assert post_to(server) == 7
    assert server.posts == 1


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504])
def test_a_failed_post_is_repeated(status: int | None) -> None:
    server = Server(status, status, 201)
    assert post_to(server) == 7
    assert server.posts == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_refusal_is_final(status: int) -> None:
    server = Server(status, 201)
    with pytest.raises(ControlPlaneError):
        post_to(server)
    assert server.posts == 1


def test_a_conflict_with_an_earlier_try_is_that_try() -> None:
    results = iter([None, 7])
    server = Server(None, 409)
    assert post_to(server, lambda: next(results)) == 7


def test_it_ends_when_nothing_becomes_clear() -> None:
    server = Server(*[503] * 9)
    with pytest.raises(ControlPlaneError, match="503"):
        post_to(server)
    assert server.posts == 4
