"""A room's numbers as Prometheus reads them: a pure function from its status to text."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from earmark._version import __version__
from earmark.events import StageStatus, State, Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_GAUGE_ENDINGS = ("_factor", "_ratio", "_celsius", "_dbfs")
_STAGE_STATES = ("starting", "running", "waiting", "retrying", "open", "failed", "closed")
_SINK_FIGURES = {
    "refused": ("counter", "Events that the stage will never take."),
    "delivered": ("counter", "Events that the sink has taken."),
    "lag": ("gauge", "Events journaled and not yet taken by the sink."),
}
_OWN_FIGURES = {*_SINK_FIGURES, "failures", "state"}
_STATUS_FIGURES = {
    "backlog_seconds": ("gauge", "Sound captured and not yet confirmed heard."),
    "heard_seconds": ("counter", "Sound captured in this run."),
    "not_sent_seconds": ("counter", "Sound left out by its owner's rule in this run."),
    "lost_seconds": ("counter", "Sound that was lost in this run."),
    "gaps": ("counter", "Stretches of sound that were lost or come late."),
    "reconnects": ("counter", "How often the line to the speech service was made anew."),
    "attempt": ("gauge", "Attempts to connect since the line was lost."),
}


@dataclass
class _Family:
    form: str
    help: str
    samples: list[tuple[dict[str, str], float]] = field(default_factory=list)


@dataclass(frozen=True)
class Journaled:
    """What is known of the journal."""

    last: int
    events: Mapping[str, int]
    """Since the service began, by kind."""
    marks: Mapping[str, int]


def metrics(status: Status, journaled: Journaled, process: Mapping[str, float]) -> str:
    """Everything, in Prometheus's text format."""
    page = _Page(room=status.room)
    page.add("earmark_info", "gauge", "The program that listens.", 1, version=__version__)
    _about_room(page, status)
    page.add("earmark_journal_events", "counter", "Events ever journaled in this room.", journaled.last)
    for kind, count in sorted(journaled.events.items()):
        page.add("earmark_events", "counter", "Events journaled since the service began.", count, kind=kind)
    for kind, count in sorted(journaled.marks.items()):
        page.add("earmark_marks", "counter", "Marks made since the service began.", count, kind=kind)
    for stage in status.stages:
        _about_stage(page, stage)
    return page.text() + "".join(_process_lines(process))


def _about_room(page: _Page, status: Status) -> None:
    for state in State:
        page.add("earmark_state", "gauge", "Whether the room is in a state.", status.state is state, state=str(state))
    page.add("earmark_deaf", "gauge", "Whether the room does not do its work.", status.ill is not None)
    page.add("earmark_muted", "gauge", "Whether the owner closed the ears.", status.muted)
    page.add("earmark_problems", "gauge", "What is wrong just now, counted.", len(status.problems))
    for name, (kind, help_) in _STATUS_FIGURES.items():
        page.add(f"earmark_{name}", kind, help_, getattr(status, name))


def _about_stage(page: _Page, stage: StageStatus) -> None:
    labels = {"kind": stage.kind, "stage": stage.name}
    for state in dict.fromkeys((*_STAGE_STATES, stage.state)):
        told = "Whether the stage is in a state."
        page.add("earmark_stage_state", "gauge", told, stage.state == state, state=state, **labels)
    page.add("earmark_stage_failures", "counter", "Failures of the stage.", stage.failures, **labels)
    for name, (kind, help_) in _SINK_FIGURES.items():
        if stage.kind == "sink":
            page.add(f"earmark_stage_{name}", kind, help_, getattr(stage, name), **labels)
    for counter, value in sorted(stage.counters.items()):
        name = re.sub(r"\W", "_", counter, flags=re.ASCII)
        if name not in _OWN_FIGURES:
            kind = "gauge" if name.endswith(_GAUGE_ENDINGS) else "counter"
            page.add(f"earmark_stage_{name}", kind, "What the stage counts.", value, **labels)


class _Page:
    """Samples by family, as the format wants them."""

    def __init__(self, room: str) -> None:
        self._room = room
        self._families: dict[str, _Family] = {}

    def add(self, name: str, form: str, help_: str, value: float, **labels: str) -> None:
        """Add a sample."""
        name = f"{name}_total" if form == "counter" else name
        family = self._families.setdefault(name, _Family(form, help_))
        family.samples.append(({"room": self._room, **labels}, float(value)))

    def text(self) -> str:
        """The page."""
        return "".join(line for name, family in self._families.items() for line in _lines(name, family))


def _lines(name: str, family: _Family) -> Iterator[str]:
    yield f"# HELP {name} {family.help}\n# TYPE {name} {family.form}\n"
    for labels, value in family.samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {_number(value)}\n"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _process_lines(process: Mapping[str, float]) -> Iterable[str]:
    for name, value in process.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        yield f"# TYPE process_{name} {kind}\nprocess_{name} {_number(float(value))}\n"


def process_figures() -> dict[str, float]:
    """What the process takes, under the names that Prometheus's own clients use."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {"cpu_seconds_total": used.ru_utime + used.ru_stime}
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        figures["resident_memory_bytes"] = pages * os.sysconf("SC_PAGE_SIZE")
        figures["open_fds"] = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only, and no sorting
    except (OSError, ValueError, IndexError):
        pass
    return figures
