"""The sink: every event to the broker, acknowledged before the journal's cursor moves.

Rules:

1. A batch is sent in one go, and what the broker did not acknowledge before a line was lost is sent again on the next
   one, in its order. So a subscriber sees each event at least once, and drops repeats by `id`.
2. A broker that is away is no failure of the sink: events wait in the journal, for days if need be.
3. What the broker refuses is counted and named. Refusals that may pass are tried again a few times first.
4. What the broker keeps (state, latest marks, announcements) is compared with what it was last told on this line and
   sent where it differs; a new line, and a Home Assistant that has just started, are told everything.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from earmark.backoff import delays
from earmark.errors import EarmarkError
from earmark.events import encode
from earmark.hookspecs import EventStream
from earmark.room import Room
from earmark_mqtt.board import Board
from earmark_mqtt.commands import command_of
from earmark_mqtt.discovery import OFFLINE
from earmark_mqtt.errors import PASSING
from earmark_mqtt.keeper import Keeper
from earmark_mqtt.line import Answer, Incoming, Line
from earmark_mqtt.payloads import message_of
from earmark_mqtt.settings import MqttSettings
from earmark_mqtt.topics import Message, Topics

_BATCH = 200
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 0.1
_MOST_COMMANDS = 100
_MOST_TRIES = 5
_FAREWELL_SECONDS = 0.5
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 5.0


@dataclass
class Session:
    """A line, and what the broker keeps that was told on it."""

    line: Line
    told: dict[str, bytes] = field(default_factory=dict)


class Publisher:
    """Publishes the events of one room, shows its state and takes commands."""

    def __init__(self, settings: MqttSettings, room: Room, *, rng: random.Random | None = None) -> None:
        self._settings = settings
        self._room = room
        self._rng = rng or random.Random()  # noqa: S311 - no secret is drawn
        self._topics = Topics(settings.prefix, room.name)
        self._board = Board(settings, room, self._topics)
        self._session: Session | None = None
        self._up = asyncio.Event()
        self._incoming: asyncio.Queue[Incoming] = asyncio.Queue(_MOST_COMMANDS)
        self._refusals: set[tuple[str, int]] = set()
        self._birth: asyncio.Task[None] | None = None
        will = Message(self._topics.availability, OFFLINE, retain=True)
        self._keeper = Keeper(settings, room, will=will, handler=self._take, rng=self._rng)

    async def run(self, events: EventStream) -> None:
        """Publish until the stream ends."""
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._keeper.run(self._serve), name="mqtt line"),
                group.create_task(self._show_levels(), name="mqtt levels"),
                group.create_task(self._tell(), name="mqtt state"),
                group.create_task(self._obey(), name="mqtt commands"),
            ]
            async for batch in events.batches(_BATCH):
                messages = [one for event in batch if (one := message_of(event, self._topics, self._settings))]
                await self._deliver(messages)
                self._board.heed(batch)
            await self._tell_the_last()
            for task in beside:
                task.cancel()
        if self._birth is not None:
            self._birth.cancel()

    # -- events -------------------------------------------------------------------------------------------------------

    async def _deliver(self, messages: Sequence[Message]) -> None:
        """Return when the broker has acknowledged or refused all of them."""
        waits = delays(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, self._rng)
        tries = 0
        while messages:
            session = await self._connected()
            answers = await session.line.publish_all(messages)
            first_lost = next((at for at, answer in enumerate(answers) if answer.lost), len(answers))
            tries += 1
            again = self._judge(messages[:first_lost], answers, last_try=tries >= _MOST_TRIES)
            if again:
                await self._room.clock.sleep(next(waits))
            messages = [*again, *messages[first_lost:]]

    def _judge(self, messages: Sequence[Message], answers: Sequence[Answer], *, last_try: bool) -> list[Message]:
        """Count what came of messages; the ones to send again come back."""
        again = []
        for message, answer in zip(messages, answers, strict=False):
            if not answer.refused:
                self._room.stage.count("published")
            elif answer.code in PASSING and not last_try:
                again.append(message)
            else:
                self._room.stage.refused += 1
                self._name_refusal(message, answer)
        return again

    def _name_refusal(self, message: Message, answer: Answer) -> None:
        self._room.stage.details["refused"] = f"{message.topic}: {answer.text}"
        if (message.topic, answer.code) in self._refusals:
            return
        self._refusals.add((message.topic, answer.code))
        self._room.log.warning(
            "The broker %s refuses messages on %s: %s. Let the user %s write there, or leave the kind out of kinds.",
            self._settings.broker,
            message.topic,
            answer.text,
            self._settings.user or "(none)",
        )

    # -- the line -----------------------------------------------------------------------------------------------------

    async def _connected(self) -> Session:
        while self._session is None or self._session.line.is_lost:
            self._up.clear()
            await self._up.wait()
        return self._session

    async def _serve(self, line: Line) -> None:
        """Use a line until it is lost; what is cancelled takes its leave."""
        await self._subscribe(line)
        self._session = Session(line)
        self._up.set()
        self._board.touch()
        try:
            await line.loss()
        finally:
            self._session = None
            if not line.is_lost:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_FAREWELL_SECONDS):
                        await line.publish(Message(self._topics.availability, OFFLINE, retain=True))

    async def _subscribe(self, line: Line) -> None:
        wanted = [*self._board.herald.filters, self._topics.last("+")]
        if self._settings.discovery != "off":
            wanted.append(self._birth_topic)
        if self._settings.commands:
            wanted.append(self._topics.set("+"))
        refused = await line.subscribe(*wanted)
        if refused:
            self._room.stage.details["subscriptions"] = f"refused: {', '.join(refused)}"
            self._room.log.warning(
                "The broker %s refuses subscriptions to %s: no commands or no announcements come from there.",
                self._settings.broker,
                ", ".join(refused),
            )
        else:
            self._room.stage.details.pop("subscriptions", None)

    @property
    def _birth_topic(self) -> str:
        return f"{self._settings.discovery_prefix}/status"

    # -- what the broker keeps ----------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        """Keep what stands on the broker as it should be."""
        while True:
            await self._tell_all(await self._connected())
            await self._board.news(_LOOK_SECONDS)
            await self._room.clock.sleep(_PAUSE_SECONDS)

    async def _tell_all(self, session: Session) -> None:
        for message in await self._board.desired():
            # An empty message takes back what stands there, and is nothing to send where nothing does.
            if session.told.get(message.topic, b"") != message.payload:
                await self._put(session, message)

    async def _tell_the_last(self) -> None:
        """Leave the state as it is at the end."""
        if self._session is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await self._tell_all(self._session)

    async def _put(self, session: Session, message: Message) -> None:
        answer = await session.line.publish(message)
        if answer.refused:
            self._name_refusal(message, answer)
        if not answer.lost:
            session.told[message.topic] = message.payload

    async def _show_levels(self) -> None:
        async for level in self._board.levels():
            if self._settings.level and self._session is not None:
                self._session.line.toss(Message(self._topics.level, encode(level), qos=0))

    # -- what the broker brings ---------------------------------------------------------------------------------------

    def _take(self, message: Incoming) -> None:
        """Sort what came; called by the line, so nothing is done here that takes time."""
        if message.topic == self._birth_topic:
            if message.payload == b"online" and not message.retained:
                self._be_born()
        elif self._incoming.full():
            self._room.stage.count("commands_dropped")
        else:
            self._incoming.put_nowait(message)

    def _be_born(self) -> None:
        """Home Assistant has started: tell it everything, a little later than others do."""
        if self._birth is None or self._birth.done():
            self._birth = asyncio.create_task(self._tell_anew(), name="mqtt birth")

    async def _tell_anew(self) -> None:
        await self._room.clock.sleep(self._rng.uniform(0, self._settings.birth_jitter))
        if self._session is not None:
            self._session.told.clear()
            self._board.touch()

    async def _obey(self) -> None:
        while True:
            message = await self._incoming.get()
            if message.topic.startswith(self._topics.set("")):
                await self._command(message)
            elif message.retained:
                await self._clear_away(message)

    async def _command(self, message: Incoming) -> None:
        clock, age = self._room.clock, self._settings.command_age
        try:
            command = command_of(message, self._topics, now=clock.now(), age_seconds=age)
            await command.do(self._room.controls)
        except EarmarkError as error:
            self._room.stage.count("commands_refused")
            self._room.stage.details["command"] = str(error)
            self._room.log.warning("A command over MQTT is not done: %s", error)
        else:
            self._room.stage.count("commands")
            self._room.log.info("Done over MQTT: %s", command.what)
        if self._session is not None:
            # The state that follows is the answer, also where nothing changed.
            self._session.told.pop(self._topics.home, None)
        self._board.touch()

    async def _clear_away(self, message: Incoming) -> None:
        """Take back what an earlier configuration left on the broker."""
        if self._session is None or not message.payload:
            return
        if message.topic in self._board.kept_topics:
            self._session.told.setdefault(message.topic, message.payload)
            self._board.touch()
            return
        stale = self._board.herald.stale(message.topic, message.payload, self._board.announced())
        if message.topic.startswith(self._topics.last("")):
            stale = [Message(message.topic, b"", retain=True)]
        for each in stale:
            await self._session.line.publish(each)
