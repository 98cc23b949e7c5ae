"""What may be read and asked for, against a real listener."""

from __future__ import annotations

from earmark.events import Change, Durable, InsightKind, MarkChanged
from tests.core.talk import at, began, ended, marked, said, until
from tests.http.house import BEARER, House

MILK = said("u1", "Somebody should buy milk.")
EVENING: list[Durable] = [
    began(title="Supper"),
    MILK,
    marked("m1", "Buy milk", of=MILK),
    said("u2", "Who walks the dog?", start=5),
    marked("m2", "Who walks the dog?", kind=InsightKind.QUESTION),
    ended(),
]


async def test_the_status_is_the_rooms_own(home: House) -> None:
    status, told = await home.get("/v1/status")
    assert status == 200
    assert (told["type"], told["room"]) == ("status", "kitchen")
    assert {stage["name"] for stage in told["stages"]} == {"silence", "scripted", "http"}


async def test_conversations_come_newest_first_and_page_by_page(home: House) -> None:
    for number in range(5):
        named = f"c{number}"
        await home.record([began(named, start=number)])
        await home.record([said(f"u{number}", conversation=named)])
    found: list[str] = []
    page = "/v1/conversations?most=2"
    while page:
        _, told = await home.get(page)
        found += [one["id"] for one in told["conversations"] if one["id"].startswith("c")]
        page = f"/v1/conversations?most=2&before={told['next']}" if "next" in told else ""
    assert [one for one in found if len(one) == 2] == ["c4", "c3", "c2", "c1", "c0"]


async def test_a_conversation_is_told_in_order_with_its_places(home: House) -> None:
    await home.record(EVENING)
    status, told = await home.get("/v1/conversations/c1")
    assert status == 200
    assert [one["event"]["id"] for one in told["events"]] == [event.id for event in EVENING]
    places = [one["seq"] for one in told["events"]]
    assert places == sorted(places)


async def test_what_is_not_there_is_404_in_words(home: House) -> None:
    for path in ("/v1/conversations/none", "/v1/marks/none", "/v1/nothing", f"/v1/marks/{'x' * 500}"):
        status, told = await home.get(path)
        assert status == 404
        assert told["message"].endswith(".")
    status, told = await home.post("/v1/marks/none", {"change": "done"})
    assert (status, told["message"]) == (404, "There is no such mark in this room.")


async def test_a_search_finds_words_and_says_where_they_are(home: House) -> None:
    await home.record(EVENING)
    _, told = await home.get("/v1/search", params={"q": "buy mil*", "kind": "utterance"})
    (found,) = told["found"]
    begin, end = found["spans"][0]
    assert found["event"]["text"][begin:end] == "buy"
    assert (await home.get("/v1/search", params={"q": "milk", "since": at(3600).isoformat()}))[1] == {"found": []}
    _, told = await home.get("/v1/search?q=dog&kind=question&kind=action_item&conversation=c1")
    assert [one["event"]["mark"] for one in told["found"]] == ["m2"]


async def test_a_mistyped_parameter_is_told_and_not_ignored(home: House) -> None:
    for path in (
        "/v1/search?query=milk",
        "/v1/search",
        "/v1/search?q=",
        "/v1/search?q=a&q=b",
        "/v1/search?q=a&kind=noise",
        "/v1/search?q=a&since=yesterday",
        "/v1/search?q=a&since=2026-01-01T00:00:00",
        "/v1/conversations?most=0",
        "/v1/conversations?most=1e3",
        "/v1/conversations?before=99999999999999999999",
        "/v1/events?after=-1",
        "/v1/events?live=yes",
    ):
        status, told = await home.get(path)
        assert status == 400, path
        assert told["message"].endswith("."), path


async def test_marks_are_read_ticked_off_and_amended(home: House) -> None:
    await home.record(EVENING)
    _, told = await home.get("/v1/marks")
    assert [one["insight"]["mark"] for one in told["marks"]] == ["m2", "m1"]
    _, told = await home.post("/v1/marks/m1", {"change": "amended", "text": "Buy oat milk"})
    assert (told["state"], told["insight"]["text"]) == ("open", "Buy oat milk")
    _, told = await home.post("/v1/marks/m1", {"change": "done"})
    assert told["state"] == "done"
    assert [one["insight"]["mark"] for one in (await home.get("/v1/marks"))[1]["marks"]] == ["m2"]
    changes = [e.event for e in await home.listener.journal.read(0) if isinstance(e.event, MarkChanged)]
    assert [(change.change, change.by) for change in changes] == [(Change.AMENDED, "http"), (Change.DONE, "http")]


async def test_the_ears_are_closed_and_opened(home: House) -> None:
    status, told = await home.post("/v1/mute", {"seconds": 600})
    assert (status, told["state"]) == (200, "muted")
    assert "muted_until" in told
    assert home.listener.controls.muted
    _, told = await home.post("/v1/unmute")
    assert told["state"] != "muted"
    _, told = await home.post("/v1/mute", data=b"")
    assert "muted_until" not in told


async def test_another_microphone_is_chosen_and_the_configured_one_again(home: House) -> None:
    await home.post("/v1/device", {"name": "USB thing"})
    assert home.listener.controls.device == "USB thing"
    await home.post("/v1/device", {})
    assert home.listener.controls.device is None


async def test_a_conversation_is_ended(home: House) -> None:
    await until(lambda: home.listener.uplink.conversation)
    conversation = home.listener.uplink.conversation
    assert (await home.post("/v1/end"))[0] == 200
    await until(lambda: home.listener.uplink.conversation != conversation)


async def test_bodies_are_read_strictly(home: House) -> None:
    json = {"Content-Type": "application/json"}
    for path, body in (
        ("/v1/mute", b"{"),
        ("/v1/mute", b'{"seconds": -1}'),
        ("/v1/mute", b'{"seconds": 1e300}'),
        ("/v1/mute", b'{"minutes": 5}'),
        ("/v1/mute", b'"five"'),
        ("/v1/device", b'{"name": "\\u0000"}'),
        ("/v1/marks/m1", b""),
        ("/v1/marks/m1", b'{"change": "burnt"}'),
        ("/v1/marks/m1", b'{"change": "amended", "due": "2026-01-01T00:00:00"}'),
        ("/v1/unmute", b'{"really": true}'),
    ):
        status, told = await home.ask("POST", path, headers=BEARER | json, data=body)
        assert status == 400, (path, body)
        assert told["message"]
    assert not home.listener.controls.muted
