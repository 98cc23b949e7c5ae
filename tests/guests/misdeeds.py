"""What plugins do wrong, what a user sees of it, and what goes on: the tests' data, and a table of the documents."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("source", "filter", "transport", "enricher", "sink", "service")


@dataclass(frozen=True)
class Misdeed:
    """One way to misbehave at one moment."""

    moment: str
    fault: str
    does: str
    """For the document."""
    seen: str
    """A part of the sentence that `earmark status`, the viewer, MQTT and the log show; empty for nothing."""
    counter: str = "failures"
    goes_on: str = ""
    kinds: tuple[str, ...] = KINDS

    @property
    def late(self) -> bool:
        """Whether it shows only when the room is over."""
        return self.moment == "close" or self.fault == "leak"


_AGAIN = "it is opened again after a pause and goes on where it was; the others do not notice"

MISDEEDS = (
    Misdeed("open", "raise", "raises when it is opened", "the cat sat on it", goes_on=_AGAIN),
    Misdeed("open", "hang", "hangs when it is opened", "hangs while opening", goes_on=_AGAIN),
    Misdeed(
        "open", "exit", "calls `sys.exit` when it is opened", "tried to end the program while opening", goes_on=_AGAIN
    ),
    Misdeed("open", "cancel", "cancels itself when it is opened", "cancelled itself while opening", goes_on=_AGAIN),
    Misdeed(
        "open",
        "nonsense",
        "gives something else than a stage",
        "",
        goes_on=_AGAIN,
    ),
    Misdeed("run", "raise", "raises while it works", "the cat sat on it", goes_on=_AGAIN),
    Misdeed("run", "exit", "calls `sys.exit` while it works", "tried to end the program", goes_on=_AGAIN),
    Misdeed(
        "run",
        "cancel",
        "cancels itself while it works",
        "cancelled itself",
        goes_on=_AGAIN,
        kinds=("source", "filter", "enricher", "sink", "service"),
    ),
    Misdeed(
        "run",
        "hang",
        "hangs while it works",
        "",
        goes_on="after a time that depends on its kind it is given up, and opened again",
        kinds=("filter", "enricher", "sink", "transport"),
    ),
    Misdeed(
        "run",
        "nonsense",
        "gives what is neither sound nor an event",
        "",
        goes_on=_AGAIN,
        kinds=("source", "filter", "transport", "enricher"),
    ),
    Misdeed(
        "run",
        "flood",
        "gives without end",
        "gave more than",
        goes_on="what it gave is not taken; it is opened again",
        kinds=("filter", "enricher"),
    ),
    Misdeed(
        "run",
        "block",
        "blocks the event loop",
        "held up the whole room",
        counter="blocked_loop",
        goes_on="nothing, until it is done; the log names it while it lasts, and systemd ends what never ends",
    ),
    Misdeed(
        "run",
        "leak",
        "leaves tasks behind",
        "",
        counter="leaked_tasks",
        goes_on="they are cancelled, counted and named in the log when it is closed",
        kinds=("source", "filter", "enricher", "sink"),
    ),
    Misdeed(
        "close",
        "raise",
        "raises when it is closed",
        "",
        counter="close_failures",
        goes_on="everything; the log has it",
        kinds=("source", "filter", "enricher", "sink"),
    ),
    Misdeed(
        "close",
        "hang",
        "hangs when it is closed",
        "",
        counter="close_failures",
        goes_on="everything, after eight seconds; the log has it",
        kinds=("source", "filter", "enricher", "sink"),
    ),
    Misdeed(
        "close",
        "exit",
        "calls `sys.exit` when it is closed",
        "",
        counter="close_failures",
        goes_on="everything; the log has it",
        kinds=("source", "filter", "enricher", "sink"),
    ),
)

CASES = [(misdeed, kind) for misdeed in MISDEEDS for kind in misdeed.kinds]


def table() -> str:
    """The table of the document."""
    lines = ["| a plugin that … | is seen as | what goes on |", "|---|---|---|"]
    for deed in MISDEEDS:
        seen = f"“… {deed.seen} …”" if deed.seen else "a sentence that names it"
        if deed.counter != "failures":
            seen = f"{seen}, counted as `{deed.counter}`" if deed.seen else f"the counter `{deed.counter}`, and the log"
        lines.append(f"| {deed.does} | {seen} | {deed.goes_on} |")
    return "\n".join(lines)
