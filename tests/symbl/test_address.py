import pytest

from earmark.errors import SettingsError
from earmark_symbl.address import Address


@pytest.mark.parametrize(
    ("url", "socket", "rest"),
    [
        ("https://api.example.com", "wss://api.example.com/v1/streaming/a%3D%2Fb", "https://api.example.com/x"),
        ("wss://api.example.com:8443/", "wss://api.example.com:8443/v1/streaming/a%3D%2Fb", "https://api.example.com:8443/x"),
        ("http://localhost:8801", "ws://localhost:8801/v1/streaming/a%3D%2Fb", "http://localhost:8801/x"),
        ("ws://[::1]:8801/symbl", "ws://[::1]:8801/symbl/v1/streaming/a%3D%2Fb", "http://[::1]:8801/symbl/x"),
    ],
)  # fmt: skip
def test_one_url_leads_to_sockets_and_requests(url: str, socket: str, rest: str) -> None:
    address = Address.parse(url)
    assert (address.socket("a=/b"), address.rest("/x")) == (socket, rest)


def test_without_a_url_it_says_that_the_service_is_gone_and_what_to_use() -> None:
    with pytest.raises(SettingsError, match=r"gone.*engine.*earmark serve"):
        Address.parse("")


@pytest.mark.parametrize("url", ["ws://192.168.1.5:8801", "http://engine.local"])
def test_plain_text_goes_to_this_machine_only_unless_allowed(url: str) -> None:
    with pytest.raises(SettingsError, match="plain_anywhere"):
        Address.parse(url)
    assert Address.parse(url, plain_anywhere=True).socket("a").startswith("ws://")


@pytest.mark.parametrize("url", ["engine.local:8801", "ftp://engine.local", "https://", "mqtt://x"])
def test_a_url_that_is_none_is_explained(url: str) -> None:
    with pytest.raises(SettingsError, match="begin with"):
        Address.parse(url)


@pytest.mark.parametrize("url", ["https://me:hush@host", "https://host?access_token=hush", "ftp://me:hush@host?hush"])
def test_secrets_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Address.parse(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("connection_id", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_refused(connection_id: str) -> None:
    with pytest.raises(SettingsError):
        Address.parse("https://host").socket(connection_id)
