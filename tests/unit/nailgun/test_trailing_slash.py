"""Which form of a path a server wants is learnt a route at a time."""

import pytest

from fuel_upgrade.nailgun.http_response import Answer
from fuel_upgrade.nailgun.trailing_slash import Slashes


class Server:
    """Answers by path; what it does not list is 404."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.asked: list[str] = []

    def __call__(self, path: str) -> Answer:
        self.asked.append(path)
        return Answer("GET", path, self.statuses.get(path, 404), "", b"")


def test_all_paths_of_a_route_take_the_form_that_one_of_them_took() -> None:
    server, slashes = Server(), Slashes()
    server.statuses = {"/releases/1": 200, "/releases/2": 200}
    assert slashes.ask("/releases/1/", server).status == 200
    assert slashes.ask("/releases/2/", server).status == 200
    assert server.asked == ["/releases/1/", "/releases/1", "/releases/2"]


def test_another_route_is_learnt_by_itself() -> None:
    server, slashes = Server(), Slashes()
    server.statuses = {"/releases": 200, "/releases/1/": 200}
    assert slashes.ask("/releases/", server).status == 200
    assert slashes.ask("/releases/1/", server).status == 200
    assert server.asked == ["/releases/", "/releases", "/releases/1/"]


@pytest.mark.parametrize("status", [401, 500, 503])
def test_nothing_is_learnt_of_an_answer_that_came_before_the_route(status: int) -> None:
    server, slashes = Server(), Slashes()
    server.statuses = {"/tasks/": status}
    slashes.ask("/tasks/", server)
    server.statuses = {"/tasks": 200}
    assert slashes.ask("/tasks/", server).status == 200


@pytest.mark.parametrize("status", [200, 400, 409])
def test_a_refusal_shows_that_the_route_is_there(status: int) -> None:
    server, slashes = Server(), Slashes()
    server.statuses = {"/tasks/": status}
    assert slashes.ask("/tasks/", server).status == status
    server.statuses = {}
    assert slashes.ask("/tasks/", server).status == 404
    assert server.asked == ["/tasks/"] * 2


def test_a_fault_of_the_other_form_is_reported() -> None:
    """It may have been carried out there: 404 would be a lie."""
    server, slashes = Server(), Slashes()
    server.statuses = {"/releases": 500}
    assert slashes.ask("/releases/", server).status == 500
