from datetime import UTC, datetime

import msgspec
import pytest

from earmark.settings import Duration, Secret
from earmark_symbl.messages import encode
from earmark_symbl.requests import Resume, StartRequest
from earmark_symbl.settings import SymblSettings, start_request, system_timezone_offset


def settings(**members: object) -> SymblSettings:
    def hook(kind: type, value: object) -> object:
        return kind(value)

    return msgspec.convert(members, SymblSettings, dec_hook=hook)


def request(chosen: SymblSettings) -> StartRequest:
    return start_request(chosen, rate=16_000, keep_seconds=600, timezone_offset=-60, resume=Resume())


def test_the_defaults_are_those_of_the_documents() -> None:
    defaults = SymblSettings()
    assert (defaults.block_samples, defaults.confidence_threshold, defaults.encoding) == (1024, 0.5, "LINEAR16")
    assert (defaults.sentiment, defaults.detect_entities, defaults.language_code) == (True, True, "en-US")
    assert defaults.insight_types == ("action_item", "question", "follow_up")


def test_every_member_of_the_start_request_can_be_set() -> None:
    chosen = settings(
        insight_types=["question", "topic"],
        confidence_threshold=0.7,
        language_code="en-GB",
        meeting_title="Breakfast",
        timezone_offset=480,
        speaker={"name": "Jane", "user_id": "jane@example.com"},
        custom_vocabulary=["Earmark"],
        trackers=[{"name": "Promotion", "vocabulary": ["special offer"]}],
        enable_all_trackers=True,
        interim_trackers=True,
        redaction={"redaction_string": "###"},
        sentiment=False,
        detect_entities=False,
        interim_results=False,
        no_connection_timeout="20 s",
        disconnect_on_stop_request_timeout="5 min",
    )
    body = msgspec.json.decode(encode(request(chosen)))
    assert body == {
        "type": "start_request",
        "insightTypes": ["question", "topic"],
        "customVocabulary": ["Earmark"],
        "config": {
            "meetingTitle": "Breakfast",
            "confidenceThreshold": 0.7,
            "timezoneOffset": 480,
            "languageCode": "en-GB",
            "sentiment": False,
            "detectEntities": False,
            "trackers": {"interimResults": True, "enableAllTrackers": True},
            "redaction": {"identifyContent": True, "redactContent": True, "redactionString": "###"},
            "speechRecognition": {"encoding": "LINEAR16", "sampleRateHertz": 16000, "interimResults": False},
        },
        "speaker": {"userId": "jane@example.com", "name": "Jane"},
        "trackers": [{"name": "Promotion", "vocabulary": ["special offer"]}],
        "noConnectionTimeout": 20.0,
        "disconnectOnStopRequest": False,
        "disconnectOnStopRequestTimeout": 300.0,
        "earmark": {"version": 1, "position": 0, "rate": 16000, "sequence": 0},
    }


def test_what_is_not_set_follows_the_room_and_the_machine() -> None:
    start = request(SymblSettings())
    assert start.config
    assert (start.keep_seconds, start.config.timezone_offset, start.disconnects) == (600, -60, False)
    assert (start.speaker, start.trackers, start.config.trackers, start.config.redaction) == (None, None, None, None)


def test_a_conversation_is_kept_for_half_an_hour_at_most() -> None:
    start = start_request(SymblSettings(), rate=16_000, keep_seconds=7200, timezone_offset=0, resume=Resume())
    assert start.no_connection_timeout == 1800


@pytest.mark.parametrize(
    "members",
    [
        {"confidence_threshold": 1.5},
        {"no_connection_timeout": "1 h"},
        {"encoding": "MULAW", "sample_rate_hertz": 16_000},
        {"encoding": "MP3"},
        {"heartbeat": 0},
        {"block_samples": 5000},
        {"insight_types": ["joke"]},
        {"redaction": {"redaction_string": ""}},
        {"colour": "red"},
    ],
)
def test_what_the_protocol_does_not_allow_cannot_be_set(members: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        settings(**members)


def test_mulaw_has_one_rate() -> None:
    assert settings(encoding="MULAW").rate == 8000


def test_secrets_do_not_show_and_durations_are_readable() -> None:
    chosen = settings(token="hush", app_secret="hush", stop_timeout="1 min")
    assert chosen.token == Secret("hush")
    assert "hush" not in repr(chosen)
    assert chosen.options.stop_seconds == Duration(60)


def test_the_timezone_is_minutes_from_local_time_to_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    for zone, minutes in (("America/Los_Angeles", 480), ("Europe/Berlin", -60), ("UTC", 0), ("Asia/Kolkata", -330)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert system_timezone_offset(datetime(2026, 1, 15, tzinfo=UTC)) == minutes
    monkeypatch.undo()
    time.tzset()
