import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

import earmark_symbl
from earmark.settings import Duration
from earmark_symbl.settings import SymblSettings

README = (Path(earmark_symbl.__file__).parent / "README.md").read_text(encoding="utf-8")


def documented() -> dict[str, str]:
    """The settings in the table, and their defaults as they are written there."""
    rows = re.findall(r"^\| (`[^|]*`) \|([^|]*)\|", README.split("What a failure means")[0], re.MULTILINE)
    return {name: default.strip().strip("`") for names, default in rows for name in re.findall(r"`(\w+)`", names)}


def plain(value: Any) -> object:
    """A default as TOML has it; nothing for what has none."""
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return None if value in (None, "") or isinstance(value, msgspec.Struct) else value


def test_the_table_of_settings_names_each_with_its_default() -> None:
    written = {name: tomllib.loads(f"x = {text}")["x"] if text else None for name, text in documented().items()}
    assert written == {field.name: plain(field.default) for field in msgspec.structs.fields(SymblSettings)}


def test_the_extension_is_described_member_by_member() -> None:
    from earmark_symbl.lifecycle import EarmarkHeard, Heard, Placed
    from earmark_symbl.requests import Resume

    described = README.split("## Our extension")[1]
    for kind in (Resume, Heard, Placed, EarmarkHeard):
        assert all(name in described for name in kind.__struct_fields__)
