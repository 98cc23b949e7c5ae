from __future__ import annotations

import pytest

from earmark_mic.choosing import Wishes, choices, why_reopen
from earmark_mic.source import Patience
from earmark_mic.watching import ZeroWatch
from earmark_mic.wire import Device, Listing, Served


def a_device(name: str, *, api: str = "ALSA", **more: object) -> Device:
    settings: dict[str, object] = {"id": f"{api.lower()}:{name}", "channels": 1, "rate": 48_000, "index": 0, **more}
    return Device(name=name, host_api=api, **settings)  # type: ignore[arg-type]


YETI = a_device("Yeti Stereo Microphone: USB Audio (hw:1,0)", id="alsa:Microphone,0")
SNOWBALL = a_device("Blue Snowball: USB Audio (hw:2,0)", id="alsa:Snowball,0")
BUILT_IN = a_device("HDA Intel: ALC (hw:0,0)", id="alsa:PCH,0", default=True)
MONITOR = a_device("Monitor of Speakers", api="PulseAudio", monitor=True)
ALL = [MONITOR, YETI, SNOWBALL, BUILT_IN]


@pytest.mark.parametrize(
    ("wish", "device"),
    [
        ("default", BUILT_IN),
        ("alsa:Snowball,0", SNOWBALL),
        ("ALSA:snowball,0", SNOWBALL),
        (YETI.name, YETI),
        ("snowball", SNOWBALL),
        ("yeti usb", YETI),
        ("usb audio", YETI),
        ("monitor of speakers", MONITOR),
    ],
)
def test_a_microphone_is_found_by_what_people_call_it(wish: str, device: Device) -> None:
    assert choices(ALL, (wish,))[0].device == device


@pytest.mark.parametrize("wish", ["telephone", "monitor", "hw:7,0"])
def test_what_is_not_there_is_not_replaced(wish: str) -> None:
    assert choices(ALL, (wish,)) == []


def test_of_several_the_systems_default_is_taken() -> None:
    twin = a_device("HDA Intel: Digital (hw:0,1)", id="alsa:PCH,1")
    choice = choices([twin, BUILT_IN], ("hda",))[0]
    assert choice.device == BUILT_IN
    assert choices([twin, SNOWBALL], ("hw",))[0].why == "its name has “hw”, the first of 2 such"


def test_fallbacks_come_in_their_order_and_say_so() -> None:
    found = choices(ALL, ("telephone", "snowball", "default", "alsa:PCH,0"))
    assert [choice.device for choice in found] == [SNOWBALL, BUILT_IN]
    assert [choice.wish for choice in found] == [1, 2]
    assert found[0].why == "its name has “snowball”, because what is preferred to it is not there"


def test_a_loudspeakers_own_sound_is_no_default() -> None:
    monitor = a_device("Monitor of Speakers", api="PulseAudio", monitor=True, default=True)
    assert choices([monitor], ("default",)) == []
    assert choices([monitor, YETI], ("default",))[0].device == YETI


def test_one_sound_system_can_be_asked_for() -> None:
    same = a_device("Blue Snowball", api="PulseAudio")
    assert choices([SNOWBALL, same], ("snowball",), host_api="pulseaudio")[0].device == same


def reopen(opened: Device, devices: list[Device], *wanted: str, **more: object) -> str | None:
    listing = Listing(devices=devices, served=more.pop("served", []))  # type: ignore[arg-type]
    return why_reopen(listing, opened, process=7, wishes=Wishes(wanted or ("default",)), **more)  # type: ignore[arg-type]


def test_what_is_heard_stays_while_it_is_the_best() -> None:
    assert reopen(BUILT_IN, ALL) is None
    assert reopen(SNOWBALL, ALL, "snowball", "default") is None


def test_a_preferred_one_that_returns_is_gone_back_to() -> None:
    why = reopen(BUILT_IN, ALL, "snowball", "default")
    assert why is not None and why.startswith("The microphone “Blue Snowball: USB Audio (hw:2,0)” is there")
    assert reopen(BUILT_IN, ALL, "snowball", "default", unwilling={SNOWBALL.id}) is None


def test_a_device_that_is_not_listed_because_we_hold_it_is_there() -> None:
    assert reopen(BUILT_IN, [YETI, SNOWBALL]) is None
    assert reopen(YETI, [SNOWBALL, BUILT_IN], "usb") is None


KITCHEN = a_device("Kitchen", api="PulseAudio", id="pulse:kitchen", pulse_source="kitchen", default=True)
OFFICE = a_device("Office", api="PulseAudio", id="pulse:office", pulse_source="office")


def test_a_sound_server_that_gives_another_microphone_is_found_out() -> None:
    served = [Served(process=6, source="kitchen"), Served(process=7, source="office")]
    assert reopen(KITCHEN, [KITCHEN, OFFICE], served=[Served(process=7, source="kitchen")]) is None
    assert reopen(KITCHEN, [KITCHEN, OFFICE], served=served) == (
        "The sound server gave “office” in place of the microphone “Kitchen”."
    )
    assert reopen(KITCHEN, [OFFICE], "kitchen") == "The microphone “Kitchen” is gone."
    assert reopen(KITCHEN, [], "kitchen") is None  # a server that does not answer tells nothing


def test_who_would_not_open_is_not_preferred_for_a_while_and_then_for_longer() -> None:
    patience = Patience()
    patience.refused("yeti", 0)
    assert patience.unwilling(59) == {"yeti"}
    assert patience.unwilling(61) == set()
    patience.refused("yeti", 61)
    assert patience.unwilling(61 + 119) == {"yeti"}
    patience.opened("yeti")
    patience.refused("yeti", 1000)
    assert patience.unwilling(1061) == set()


def zeros(watch: ZeroWatch, seconds: float) -> list[bool]:
    return [watch.hear(1, silent=True) for _ in range(round(seconds))]


def test_zeros_for_long_ask_for_one_reopening() -> None:
    watch = ZeroWatch(after_seconds=5)
    assert zeros(watch, 100).count(True) == 1
    assert watch.suspicious
    assert not watch.hear(1, silent=False)
    assert not watch.suspicious


def test_zeros_that_reopening_cured_ask_for_it_again() -> None:
    watch = ZeroWatch(after_seconds=5)
    assert zeros(watch, 7).count(True) == 1
    watch.hear(1, silent=False)
    assert zeros(watch, 7).count(True) == 1


def test_zeros_that_end_by_themselves_are_believed_from_then_on() -> None:
    watch = ZeroWatch(after_seconds=5)
    zeros(watch, 60)
    watch.hear(1, silent=False)
    assert zeros(watch, 100).count(True) == 0
    assert not watch.suspicious
