from __future__ import annotations

from pathlib import Path

import pytest

from earmark_engine.recognizers import moonshine
from earmark_engine.recognizers.types import RecognizerError


def test_the_model_lies_in_its_package() -> None:
    assert (moonshine.model_folder() / "encoder_model.ort").is_file()


def test_a_package_without_the_model_is_told_with_the_version_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moonshine_voice").mkdir()
    (tmp_path / "moonshine_voice/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "moonshine_voice", raising=False)
    with pytest.raises(RecognizerError, match=r"only version 0\.1\.0 brings it along: pip install"):
        moonshine.model_folder()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("To-morrow I'll go.", "Tomorrow I'll go."),
        ("to-day, to-night", "today, tonight"),
        ("a to-do list", "a to-do list"),
    ],
)
def test_old_spellings_are_written_as_they_are_now(old: str, new: str) -> None:
    assert moonshine.modern(old) == new
