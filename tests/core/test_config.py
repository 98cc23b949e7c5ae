"""The configuration: where it is found, what counts, and what is said of mistakes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark import Duration, Offer, Room, Secret, hookimpl
from earmark.config import CORE_KEYS, Config, places
from earmark.decoding import decode_values
from earmark.errors import SettingsError
from earmark.host import Host, Kind, Offered


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    word: str
    times: int = 1


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    ca: Path | None = None
    key: Secret | None = None


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    password: Secret | None = None
    wait: Duration = Duration(3)
    log: Path | None = None
    topics: tuple[str, ...] = ()
    colour: Colour = Colour.RED
    mode: Literal["fast", "slow"] = "fast"
    loud: bool = False
    rules: tuple[Rule, ...] = ()
    weights: dict[str, float] = {}
    tls: Tls = Tls()

    def __post_init__(self) -> None:
        if self.host == self.mode:
            raise ValueError(f"host: {self.host!r} is a mode")
        if self.password and self.password.reveal() == "password":
            raise ValueError(f"password: {self.password.reveal()!r} is too easy")


@asynccontextmanager
async def open_nothing(settings: BrokerSettings, room: Room) -> AsyncIterator[object]:
    yield object()


class Broker:
    @hookimpl
    def earmark_sinks(self) -> Iterable[Offer[Any]]:
        yield Offer("broker", "", open_nothing, settings=BrokerSettings, argument="log")
        yield Offer("plain", "", open_nothing)


class Recording:
    @hookimpl
    def earmark_sources(self) -> Iterable[Offer[Any]]:
        yield Offer("recording", "", open_nothing, settings=BrokerSettings, argument="log")


@pytest.fixture
def host() -> Host:
    host = Host(plugins=[("broker", Broker()), ("recording", Recording())], reserved=CORE_KEYS, discover=False)
    host.load()
    return host


@pytest.fixture
def broker(host: Host) -> Offered:
    return host.find(Kind.SINK, "broker")


def written(folder: Path, text: str, *assignments: str, **environ: str) -> Config:
    """The configuration of a file with that text."""
    path = folder / "earmark.toml"
    path.write_text(text)
    return Config.load(path, environ=environ, assignments=assignments)


# -- where it is found ------------------------------------------------------------------------------------------------


def test_without_any_file_the_defaults_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config.load(None, environ={"XDG_CONFIG_HOME": str(tmp_path)})
    assert config.path is None
    assert (config.settings.room, config.settings.source, config.settings.sinks) == ("room", "mic", ("console",))
    assert config.settings.spool.seconds == Duration(600)


def test_a_file_is_looked_for_here_then_at_home_then_in_etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    here, home, etc = places(environ)
    assert (here, home, etc) == (
        Path("earmark.toml"),
        tmp_path / "home" / "earmark" / "earmark.toml",
        Path("/etc/earmark/earmark.toml"),
    )
    home.parent.mkdir(parents=True)
    home.write_text("room = 'home'")
    assert Config.load(None, environ=environ).settings.room == "home"
    here.write_text("room = 'here'")
    assert Config.load(None, environ=environ).settings.room == "here"


def test_no_configuration_can_be_asked_for_and_a_folder_is_none(tmp_path: Path) -> None:
    assert Config.load(Path("/dev/null"), environ={}).settings.room == "room"
    with pytest.raises(SettingsError, match=r"cannot be read \(Is a directory\)"):
        Config.load(tmp_path, environ={})


def test_a_file_that_is_named_comes_before_those_that_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("room = 'a'")
    (tmp_path / "b.toml").write_text("room = 'b'")
    environ = {"EARMARK_CONFIG": str(tmp_path / "a.toml")}
    assert Config.load(None, environ=environ).settings.room == "a"
    assert Config.load(tmp_path / "b.toml", environ=environ).settings.room == "b"


@pytest.mark.parametrize(("option", "environ"), [("gone.toml", {}), (None, {"EARMARK_CONFIG": "gone.toml"})])
def test_a_named_file_that_is_not_there_is_an_error(option: str | None, environ: Mapping[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"gone.toml: there is no such file .* names it\); \"earmark init\""):
        Config.load(Path(option) if option else None, environ=environ)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"room = ", "not TOML: Invalid value"),
        (b"room = 'a'\nroom 'b'", "not TOML: .*line 2"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"room = " + b"[" * 5000, "nested too deeply"),
        (b"rate = " + b"9" * 5000, "not TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "earmark.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"earmark.toml: .*{problem}"):
        Config.load(path, environ={})


# -- what counts ------------------------------------------------------------------------------------------------------


def test_flags_count_over_the_environment_and_that_over_the_file(tmp_path: Path, broker: Offered) -> None:
    text = 'rate = 8000\n[broker]\nhost = "file"\nport = 1\ncolour = "blue"\n'
    environ = {"EARMARK_BROKER_HOST": "environment", "EARMARK_BROKER_PORT": "2", "EARMARK_RATE": "24000"}
    config = written(tmp_path, text, "broker.host=flag", **environ)
    found = config.settings_for(broker)
    assert (found.host, found.port, found.colour, found.loud) == ("flag", 2, Colour.BLUE, False)
    assert config.settings.rate == 24000
    assert config.origins["broker", "host"] == "--set"
    assert config.origins["broker", "port"] == "EARMARK_BROKER_PORT"
    assert config.origins["broker", "colour"] == str(tmp_path / "earmark.toml")
    assert ("broker", "loud") not in config.origins


def test_a_text_means_toml_where_that_fits_and_else_itself(tmp_path: Path, broker: Offered) -> None:
    config = written(
        tmp_path,
        "[broker]",
        "broker.host=1234",
        "broker.port=80",
        "broker.loud=true",
        "broker.wait=1.5 h",
        'broker.topics=["a, b", "c"]',
        "broker.tls.ca=ca.pem",
        "broker.weights.often=2",
        EARMARK_SINKS="console, broker",
        EARMARK_DISABLE_PLUGINS="one",
    )
    found = config.settings_for(broker)
    assert (found.host, found.port, found.loud, found.wait) == ("1234", 80, True, Duration(5400))
    assert found.topics == ("a, b", "c")
    assert found.tls.ca == Path.cwd() / "ca.pem"
    assert found.weights == {"often": 2}
    assert config.settings.sinks == ("console", "broker")
    assert config.settings.disable_plugins == ("one",)


def test_a_nested_table_is_merged_key_by_key(tmp_path: Path, broker: Offered) -> None:
    text = '[broker]\nhost = "h"\nweights = { a = 1, b = 2 }\n[broker.tls]\nca = "ca.pem"\n[spool]\ndurable = true\n'
    environ = {"EARMARK_BROKER_TLS_KEY": "k", "EARMARK_SPOOL_SECONDS": "1 min"}
    config = written(tmp_path, text, "broker.weights.b=3", "spool.catch_up=4", **environ)
    found = config.settings_for(broker)
    assert found.weights == {"a": 1, "b": 3}
    assert found.tls == Tls(ca=tmp_path / "ca.pem", key=Secret("k"))
    spool = config.settings.spool
    assert (spool.durable, spool.seconds, spool.catch_up, spool.megabytes) == (True, Duration(60), 4.0, 64)


def test_a_path_is_relative_to_the_file_that_names_it(tmp_path: Path, broker: Offered) -> None:
    text = 'state_folder = "state"\n[broker]\nhost = "h"\nlog = "logs/a"\n'
    config = written(tmp_path, text)
    assert config.settings.state_folder == tmp_path / "state"
    assert config.settings_for(broker).log == tmp_path / "logs" / "a"
    assert config.settings_for(broker, log="b").log == Path.cwd() / "b"
    assert config.settings_for(broker, log=Path("/c")).log == Path("/c")


def test_a_dash_stays_a_dash_where_a_path_is_expected(tmp_path: Path, broker: Offered) -> None:
    assert written(tmp_path, '[broker]\nhost = "h"\nlog = "-"').settings_for(broker).log == Path("-")


# -- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["value", "file", "environment", "environment file", "credential", "flag"])
def test_a_secret_comes_from_wherever_it_is_kept_and_is_never_shown(how: str, tmp_path: Path, broker: Offered) -> None:
    (tmp_path / "pw").write_text("hunter2\n")
    (tmp_path / "broker.password").write_text("hunter2")
    lines = {"value": 'password = "hunter2"', "file": 'password_file = "pw"'}
    environ = {
        "environment": {"EARMARK_BROKER_PASSWORD": "hunter2"},
        "environment file": {"EARMARK_BROKER_PASSWORD_FILE": str(tmp_path / "pw")},
        "credential": {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    }
    flags = ["broker.password=hunter2"] if how == "flag" else []
    config = written(tmp_path, f'[broker]\nhost = "h"\n{lines.get(how, "")}', *flags, **environ.get(how, {}))
    found = config.settings_for(broker)
    assert found.password is not None and found.password.reveal() == "hunter2"
    assert "hunter2" not in repr(found) + str(found) + repr(config.origins)
    assert config.secrets == {Secret("hunter2")}


def test_a_secret_that_looks_like_a_number_is_still_itself(tmp_path: Path, broker: Offered) -> None:
    config = written(tmp_path, '[broker]\nhost = "h"', "broker.password=0123", EARMARK_BROKER_TLS_KEY='"quoted"')
    found = config.settings_for(broker)
    assert found.password == Secret("0123")
    assert found.tls.key == Secret('"quoted"')


def test_a_secret_that_is_given_twice_or_cannot_be_read_is_an_error(tmp_path: Path, broker: Offered) -> None:
    both = '[broker]\nhost = "h"\npassword = "hunter2"\npassword_file = "pw"'
    with pytest.raises(
        SettingsError, match=r'\[broker\] password: "password" and "password_file" are both set'
    ) as told:
        written(tmp_path, both).settings_for(broker)
    assert "hunter2" not in str(told.value)
    gone = '[broker]\nhost = "h"\npassword_file = "gone"'
    with pytest.raises(SettingsError, match=r"\[broker\] password_file: .*gone cannot be read \(No such file"):
        written(tmp_path, gone).settings_for(broker)


@pytest.mark.parametrize("value", ["7", "[1]", '"password"', "1979-05-27"])
def test_an_error_about_a_secret_does_not_tell_it(value: str, tmp_path: Path, broker: Offered) -> None:
    with pytest.raises(SettingsError) as told:
        written(tmp_path, f'[broker]\nhost = "h"\npassword = {value}').settings_for(broker)
    message = str(told.value).replace(str(tmp_path), "").replace("password: ", "").replace("[broker]", "")
    assert value.strip('"[]') not in message


def test_plain_values_are_decoded_like_a_table(tmp_path: Path) -> None:
    values = {"host": "h", "wait": "1 min", "log": "a", "tls": {"key_file": "gone"}}
    with pytest.raises(SettingsError, match=r"here: \[engine.x.tls\] key_file: .*gone cannot"):
        decode_values(BrokerSettings, values, table="engine.x", origin="here", folder=tmp_path)
    del values["tls"]
    found = decode_values(BrokerSettings, values, table="engine.x", origin="here", folder=tmp_path)
    assert (found.wait, found.log) == (Duration(60), tmp_path / "a")


# -- mistakes ---------------------------------------------------------------------------------------------------------

MISTAKES = {
    "rooom = 'x'": 'earmark.toml: rooom: there is no such setting; did you mean "room"?',
    "rate = 'fast'": "earmark.toml: rate: expected a whole number, got text",
    "rate = 4": "earmark.toml: rate: expected a whole number >= 8000",
    "room = '../x'": "earmark.toml: room: '../x' cannot be a room's name",
    "sinks = 'console'": "earmark.toml: sinks: expected a list, got text",
    "sinks = ['a', 3]": "earmark.toml: sinks: [1]: expected text, got a whole number",
    "spool = 3": 'earmark.toml: "spool" is a table; write [spool] and its settings below it',
    "[spool]\nsecond = 3": 'earmark.toml: [spool] second: there is no such setting; did you mean "seconds"?',
    "[spool]\nseconds = 'a while'": "earmark.toml: [spool] seconds: 'a while' is not a duration such as",
    "quiet_hours = ['25:00-26:00']": "earmark.toml: quiet_hours: '25:00-26:00' is not a span",
    "retain = { uterance = 3 }": "earmark.toml: retain: 'uterance' is no kind of event",
    "log_level = 'loud'": 'earmark.toml: log_level: expected one of "debug", "info", "warning", "error"',
    "state_folder = ''": "earmark.toml: state_folder: expected a path",
    "[broker]\nport = 3": "earmark.toml: [broker] host: this setting is missing; set it in",
    "[broker]\nhost = 'h'\nprot = 3": 'earmark.toml: [broker] prot: there is no such setting; did you mean "port"?',
    "[broker]\nhost = 'h'\nport = 70000": "earmark.toml: [broker] port: expected a whole number <= 65535",
    "[broker]\nhost = 'fast'": "earmark.toml: [broker] host: 'fast' is a mode",
    "[broker]\nhost = 'h'\ncolour = 'green'": 'earmark.toml: [broker] colour: expected one of "red", "blue"',
    "[broker]\nhost = 'h'\nmode = 3": 'earmark.toml: [broker] mode: expected one of "fast", "slow"',
    "[broker]\nhost = 'h'\nwait = -1": "earmark.toml: [broker] wait: -1 is not a duration",
    "[broker]\nhost = 'h'\nrules = [{word = 3}]": "earmark.toml: [broker] rules: [0].word: expected text",
    "[broker]\nhost = 'h'\nrules = [{wrod = 'x'}]": "earmark.toml: [broker] rules: [0]: there is no such setting as",
    "[broker]\nhost = 'h'\nrules = [{times = 3}]": 'earmark.toml: [broker] rules: [0]: "word" is missing',
    "[broker]\nhost = 'h'\n[broker.tls]\nkeys = 3": '[broker.tls] keys: there is no such setting; did you mean "key"?',
    "[broker]\nhost = 'h'\nport_file = 3": '[broker] port_file: there is no such setting; did you mean "port"?',
    "[borker]\nhost = 'h'": 'earmark.toml: [borker]: no plugin has such settings; did you mean "broker"?',
    "[plain]\nx = 1": "earmark.toml: [plain] x: there is no such setting",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_file_table_key_and_what_is_near(text: str, tmp_path: Path, host: Host) -> None:
    with pytest.raises(SettingsError) as told:
        config = written(tmp_path, text)
        config.check(host)
        config.settings_for(host.find(Kind.SINK, "broker"))
    assert MISTAKES[text] in str(told.value)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("broker.port=x", "--set: [broker] port: expected a whole number, got text"),
        ("broker.port", "--set broker.port: write it as --set table.key=value"),
        ("=3", "--set : write it as"),
        ("a..b=3", "--set a..b: write it as"),
        ("broker=3", '--set: "broker" is a table'),
    ],
)
def test_a_mistake_in_a_flag_is_told_as_the_flags(assignment: str, message: str, tmp_path: Path, host: Host) -> None:
    with pytest.raises(SettingsError) as told:
        written(tmp_path, "[broker]\nhost = 'h'", assignment).check(host)
    assert message in str(told.value)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path, broker: Offered) -> None:
    with pytest.raises(SettingsError, match=r"EARMARK_BROKER_PORT: \[broker\] port: expected a whole number"):
        written(tmp_path, "[broker]\nhost = 'h'", EARMARK_BROKER_PORT="x").settings_for(broker)


def test_checking_lets_required_settings_be_missing_from_what_is_not_in_use(tmp_path: Path, host: Host) -> None:
    written(tmp_path, "[broker]\nport = 3").check(host)


def test_a_table_may_be_that_of_a_plugin_that_is_not_loaded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    host = Host(plugins=[("rain", Broker())], disabled=["rain"], discover=False)
    host.load()
    written(tmp_path, "[rain]\nx = 1").check(host)
    with caplog.at_level(logging.WARNING):
        written(tmp_path, "[cloud]\nx = 1").check(host)
    assert "[cloud]: no plugin has such settings" in caplog.text


def test_a_variable_that_sets_nothing_is_warned_of(
    tmp_path: Path, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        written(tmp_path, "", EARMARK_BROKER_HOTS="h", EARMARK_CONFIG="x", EARMARK_BROKER_TLS_CA="x").check(host)
    assert caplog.messages == ["The variable EARMARK_BROKER_HOTS sets nothing; did you mean EARMARK_BROKER_HOST?"]


# -- stages -----------------------------------------------------------------------------------------------------------


def test_stages_are_chosen_with_what_follows_their_colon(tmp_path: Path, host: Host) -> None:
    text = (
        'source = "recording:talk.wav"\nsinks = ["plain", "broker:out"]\n[broker]\nhost = "h"\n[recording]\nhost = "h"'
    )
    config = written(tmp_path, text)
    (source,) = config.chosen(host, Kind.SOURCE)
    assert (source.offered.name, source.argument) == ("recording", "talk.wav")
    assert getattr(source.settings, "log") == tmp_path / "talk.wav"  # noqa: B009
    assert [chosen.offered.name for chosen in config.chosen(host, Kind.SINK)] == ["plain", "broker"]


def test_stages_on_the_command_line_replace_those_of_the_file(tmp_path: Path, host: Host) -> None:
    config = written(tmp_path, 'source = "recording:talk.wav"\n[broker]\nhost = "h"\n[recording]\nhost = "h"')
    other = config.with_stage("source", "recording:C:talk.wav").with_stage(Kind.SINK, "broker:a", "broker:b")
    (source,) = other.chosen(host, Kind.SOURCE)
    assert source.settings.log == Path.cwd() / "C:talk.wav"  # type: ignore[attr-defined]
    assert [chosen.argument for chosen in other.chosen(host, Kind.SINK)] == ["a", "b"]
    assert config.settings.source == "recording:talk.wav"


def test_a_stage_that_is_wrong_is_told(tmp_path: Path, host: Host) -> None:
    config = written(tmp_path, 'sinks = ["plain:x"]')
    with pytest.raises(SettingsError, match=r'earmark.toml: the sink "plain" takes nothing after a colon'):
        config.chosen(host, Kind.SINK)
    with pytest.raises(SettingsError, match='--sink: "plain" is named twice'):
        config.with_stage("sink", "plain", "plain").chosen(host, Kind.SINK)
    with pytest.raises(SettingsError, match='There is no sink called "brokr"; did you mean "broker"'):
        config.with_stage("sink", "brokr").chosen(host, Kind.SINK)


# -- anything ---------------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    [*CORE_KEYS, "broker", "plain", "host", "port", "password", "password_file", "wait", "tls", "ca"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1 min", "mic", "red", "fast", "-", "~nobody/x", "22:30-06:30", "\0"])
    | st.dates()
    | st.times()
    | st.datetimes()
)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), below, max_size=4)
)
TABLES = st.dictionaries(KEYS | st.text(max_size=4), VALUES, max_size=5)


PLACES = st.lists(KEYS | st.sampled_from(["weights", "x"]), min_size=1, max_size=4).map(".".join)
ASSIGNMENTS = st.text(max_size=12) | st.builds("{}={}".format, PLACES, st.text(max_size=8))


def toml(value: object) -> str:
    """A value as TOML has it, on one line."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{toml(key)} = {toml(below)}" for key, below in value.items() if below is not None) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(toml(below) for below in value if below is not None) + "]"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007F")
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return str(value.isoformat())  # type: ignore[attr-defined]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(tables=TABLES, assignments=st.lists(ASSIGNMENTS, max_size=4))
def test_whatever_stands_in_the_file_only_settings_errors_come_of_it(
    tmp_path: Path, host: Host, tables: dict[str, Any], assignments: list[str]
) -> None:
    lines = (f"{toml(key)} = {toml(value)}" for key, value in tables.items() if value is not None)
    (tmp_path / "earmark.toml").write_text("\n".join(lines), "utf-8")
    try:
        config = Config.load(tmp_path / "earmark.toml", environ={}, assignments=assignments)
        config.check(host)
        config.chosen(host, Kind.SINK)
        config.settings_for(host.find(Kind.SINK, "broker"))
    except SettingsError as error:
        assert "Traceback" not in str(error)


@settings(deadline=None, max_examples=200)
@given(
    name=st.sampled_from(["EARMARK_ROOM", "EARMARK_RATE", "EARMARK_SINKS", "EARMARK_SPOOL_SECONDS", "EARMARK_RETAIN"]),
    value=st.text(),
)
def test_whatever_stands_in_the_environment_only_settings_errors_come_of_it(name: str, value: str) -> None:
    try:
        Config.load(None, environ={name: value, "XDG_CONFIG_HOME": "/nowhere"})
    except SettingsError as error:
        assert name in str(error)
