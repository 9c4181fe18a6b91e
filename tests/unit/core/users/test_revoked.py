"""A user's sessions are ended, one by one and all at once."""

from __future__ import annotations

from typing import Any

import pytest

from serverless_sessions import SessionNotFound
from support.desk import Desk, handle_of, handles, log_out, user_of


def test_a_session_is_revoked_by_its_handle(desk: Desk) -> None:
    phone, laptop = desk.log_in("ann"), desk.log_in("ann")
    revoked, stays = handle_of(phone), handle_of(laptop)
    assert desk.asked("revoke", "ann", revoked) is None
    assert desk.told("revoked") == [revoked]
    assert phone.request(user_of) is None
    assert laptop.request(user_of) == "ann"
    assert handles(desk, "ann") == [stays]


@pytest.mark.parametrize("kind", ["another user's", "ended", "anonymous", "none", "an id"])
def test_a_handle_that_is_not_of_that_user_is_refused_and_ends_nothing(
    desk: Desk, kind: str
) -> None:
    ann, bob, ended, anonymous = (
        desk.log_in("ann"),
        desk.log_in("bob"),
        desk.log_in("ann"),
        desk.visitor(),
    )

    async def visit(session: Any) -> None:
        session.set("a", 1)

    anonymous.request(visit)
    given = {
        "another user's": handle_of(bob),
        "ended": handle_of(ended),
        "anonymous": handle_of(anonymous),
        "none": "",
        "an id": ann.id,
    }[kind]
    ended.request(log_out)
    with pytest.raises(SessionNotFound, match="revoke") as refused:
        desk.asked("revoke", "ann", given)
    assert not given or given not in str(refused.value)
    assert [ann.request(user_of), bob.request(user_of)] == ["ann", "bob"]
    assert handle_of(anonymous) != "None"
    assert desk.told("revoked") == []


def test_all_others_are_revoked_in_the_midst_of_a_request(desk: Desk) -> None:
    visitors = [desk.log_in("ann", n=n) for n in range(4)]
    bob = desk.log_in("bob")
    gone = {handle_of(visitor) for visitor in visitors[1:]}

    async def log_out_everywhere_else(session: Any) -> Any:
        session.set("saved", "afterwards")
        return await desk.asked_inside("revoke_all", "ann", keep=session)

    assert visitors[0].request(log_out_everywhere_else) == 3
    assert set(desk.told("revoked")) == gone
    assert [visitor.request(user_of) for visitor in visitors] == ["ann", None, None, None]
    assert bob.request(user_of) == "bob"
    (session,) = desk.asked("sessions_of", "ann", show=("saved", "n"))
    assert session.data == {"saved": "afterwards", "n": 0}

    assert desk.asked("revoke_all", "ann") == 1
    assert visitors[0].request(user_of) is None
    assert desk.asked("revoke_all", "ann") == 0


def test_a_log_in_that_revokes_all_others_first_is_in_place_after_it(desk: Desk) -> None:
    before = desk.log_in("ann")

    async def change_password(session: Any) -> Any:
        session.bind("ann")
        return await desk.asked_inside("revoke_all", "ann", keep=session)

    after = desk.visitor()
    assert after.request(change_password) == 1
    assert before.request(user_of) is None
    assert after.request(user_of) == "ann"
