"""One stream of sound in a conversation: from the bytes of a client to sentences with their times.

A leg begins with a `start_request` and ends with a stop. Where a client speaks our extension it outlives the socket:
the client comes back, sound that was heard already is left out, and the recogniser does not notice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from earmark.errors import EarmarkError
from earmark_engine.audio_clock import AudioClock
from earmark_engine.facts import Place
from earmark_engine.insights.sentences import Joined, Joiner
from earmark_engine.insights.types import Person
from earmark_engine.recognizers.types import (
    RATE,
    Ears,
    Final,
    Partial,
    Processed,
    Recognizer,
    RecognizerError,
    Word,
)
from earmark_engine.sound.decode import Decoder, open_decoder
from earmark_symbl import api as symbl


class Owner(Protocol):
    """The conversation that a leg belongs to."""

    @property
    def sequence(self) -> int:
        """The number of the last fact."""
        ...

    async def said(self, leg: Leg, sentences: Sequence[Joined]) -> None:
        """Take whole sentences; returns when they are kept and told."""
        ...

    def hearing(self, leg: Leg, result: symbl.RecognitionResult) -> None:
        """Take text as it is being recognised."""
        ...

    def shown(self, text: str, *, final: bool) -> str:
        """The text as it may be shown."""
        ...


class Leg:
    """Listens to one speaker; whoever holds it feeds it, and is told through `tell`."""

    def __init__(
        self, *, key: str, person: Person | None, user: dict[str, Any], clock: AudioClock, owner: Owner
    ) -> None:
        self.key = key
        """Names the stream; the same again for a client that comes back to it."""
        self.person = person
        self.clock = clock
        self.tell: Callable[[symbl.ServerMessage], None] | None = None
        self.holder: object = None
        """Whoever feeds it just now; a client that came back takes it from the socket it has lost."""
        self.left_at: float | None = None
        """When nobody fed it any more, on the engine's steady clock."""
        self.heard_at = 0.0
        """Seconds of the conversation when something was last recognised."""
        self.failed: RecognizerError | None = None
        self.interim = True
        self._user = user
        self._owner = owner
        self._joiner = Joiner()
        self._decoder: Decoder | None = None
        self._encoding: tuple[str, int] = ("", 0)
        self._ears: Ears | None = None
        self._listening: asyncio.Task[None] | None = None
        self._fed_samples = 0
        self._skip_samples = 0
        self._base = 0.0
        self._acknowledged = -1
        self._done_until: float | None = None
        self._finished = False

    @property
    def fed(self) -> float:
        """Seconds of sound fed to the recogniser."""
        return self._fed_samples / RATE

    @property
    def listening(self) -> bool:
        """Whether it takes sound."""
        return not self._finished and self.failed is None

    # -- opening and ending ---------------------------------------------------------------------------------------

    async def open(self, recognizer: Recognizer, *, language: str, vocabulary: tuple[str, ...]) -> None:
        """Begin to listen; raises what the recogniser raises where it cannot."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(
            self._listen(recognizer, language, vocabulary, opened), name=f"earmark engine leg {self.key}"
        )
        await opened

    async def finish(self) -> None:
        """Have everything recognised that was taken; returns when all of it is told."""
        if self._finished or self._ears is None or self._listening is None:
            return
        self._finished = True
        try:
            if self._decoder is not None:
                await self._feed(self._decoder.flush())
            await self._ears.finish()
        except (RecognizerError, ValueError) as error:
            self._fail(error)
        await asyncio.wait({self._listening})

    async def cancel(self) -> None:
        """Stop at once; what was not recognised yet is lost."""
        self._finished = True
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    # -- sound ----------------------------------------------------------------------------------------------------

    def begin(self, *, encoding: str, rate: int) -> None:
        """A start: the sound that follows is encoded so, and counts from 0 for whoever sent it."""
        self._decoder, self._encoding = open_decoder(encoding, rate), (encoding, rate)
        self._skip_samples = 0
        self._base = self.fed

    async def modify(self, *, encoding: str | None, rate: int | None) -> None:
        """The sound that follows is encoded otherwise; raises `EncodingRefused` and goes on as before."""
        named = (encoding or self._encoding[0]).upper(), rate or self._encoding[1]
        decoder = open_decoder(*named)
        if self._decoder is not None:
            await self._feed(self._decoder.flush())
        self._decoder, self._encoding = decoder, named

    async def place(self, position: int, rate: int) -> None:
        """The sound that follows begins at this sample of the client's; what was heard before is left out."""
        if self._decoder is not None:
            await self._feed(self._decoder.flush())
        seconds, now = self.clock.of_sample(position, rate), self.clock.seconds(self.fed, at_end=True)
        self._skip_samples = max(0, round((now - seconds) * RATE))
        self._base -= self._skip_samples / RATE
        if seconds > now + 1e-6:
            self.clock.jump(self.fed, seconds)

    async def take(self, data: bytes) -> None:
        """Take the bytes of one frame; waits while the recogniser is far behind. Raises `ValueError` where they are
        not of the encoding.
        """
        if self._decoder is not None and self.listening:
            await self._feed(self._decoder.feed(data))

    async def _feed(self, samples: np.typing.NDArray[np.int16]) -> None:
        skipped = min(self._skip_samples, len(samples))
        self._skip_samples -= skipped
        samples = samples[skipped:]
        if len(samples) and self._ears is not None:
            self._fed_samples += len(samples)
            try:
                await self._ears.feed(samples)
            except RecognizerError as error:
                self._fail(error)

    # -- words ----------------------------------------------------------------------------------------------------

    async def _listen(
        self, recognizer: Recognizer, language: str, vocabulary: tuple[str, ...], opened: asyncio.Future[None]
    ) -> None:
        try:
            async with recognizer.stream(language=language, vocabulary=vocabulary) as self._ears:
                opened.set_result(None)
                async for heard in self._ears:
                    await self._take(heard)
            await self._give(self._joiner.flush())
            self._acknowledge(self.fed)
        except Exception as error:
            if not opened.done():
                opened.set_exception(error)
            elif isinstance(error, EarmarkError):
                self._fail(error)
            else:
                self._fail(RecognizerError(f"The engine failed over what it heard: {type(error).__name__}: {error}"))
                raise
        finally:
            if not opened.done():
                opened.cancel()

    async def _take(self, heard: Partial | Final | Processed) -> None:
        if isinstance(heard, Partial):
            self._tell_speech(heard, final=False)
        elif isinstance(heard, Final):
            self._tell_speech(heard, final=True)
            await self._give(self._joiner.add(heard))
        else:
            await self._give(self._joiner.quiet(heard.until_seconds))
            held = self._joiner.held_since
            self._acknowledge(heard.until_seconds if held is None else min(held, heard.until_seconds))

    async def _give(self, sentences: Sequence[Joined]) -> None:
        if sentences:
            await self._owner.said(self, sentences)

    def _tell_speech(self, heard: Partial | Final, *, final: bool) -> None:
        self.heard_at = self.clock.seconds(heard.end, at_end=True)
        if heard.text and (final or self.interim):
            self._owner.hearing(self, self._speech(heard, final=final))

    def _speech(self, heard: Partial | Final, *, final: bool) -> symbl.RecognitionResult:
        text = self._owner.shown(heard.text, final=final)
        words = heard.words if isinstance(heard, Final) and text == heard.text else ()
        alternative = symbl.Alternative(
            words=tuple(map(self._word, words)),
            transcript=text,
            confidence=(heard.confidence or 0.0) if isinstance(heard, Final) else 0.0,
        )
        return symbl.RecognitionResult(
            is_final=final,
            payload=symbl.SpeechPayload(raw=symbl.RawSpeech(alternatives=(alternative,))),
            punctuated=symbl.Punctuated(transcript=text),
            user=self._user,
            time_offset=round(self._sent(heard.start) * 1000),
            earmark=self._placed(heard.start, heard.end),
        )

    def _word(self, word: Word) -> symbl.RecognizedWord:
        start, end = symbl.WireTime.of(self._sent(word.start)), symbl.WireTime.of(self._sent(word.end))
        return symbl.RecognizedWord(word=word.text, start_time=start, end_time=end)

    def _sent(self, fed: float) -> float:
        """Seconds of the sound that the client sent since its latest start."""
        return max(0.0, fed - self._base)

    def _placed(self, start: float, end: float) -> symbl.Placed | None:
        place = self.place_of(start, end)
        return symbl.Placed(start=place.start, end=place.end) if place else None

    def place_of(self, start: float, end: float) -> Place | None:
        """Where that lies on the client's own clock, if it has one."""
        if self.clock.rate is None:
            return None
        return Place(clock=self.key, start=self.clock.sample(start), end=self.clock.sample(end, at_end=True))

    @property
    def heard_samples(self) -> int:
        """The client's samples before this one need not be sent again while this leg lives."""
        return self.clock.sample(self.fed, at_end=True)

    def _acknowledge(self, until: float) -> None:
        """Tell the client that all that came of its sound has been told."""
        if self.clock.rate is None:
            return
        self._done_until = until
        samples = self.clock.sample(math.floor(until * RATE) / RATE, at_end=True)
        if samples > self._acknowledged and self.tell is not None:
            self._acknowledged = samples
            self.tell(symbl.EarmarkHeard(samples=samples, sequence=self._owner.sequence))
        self.clock.forget(until)

    def acknowledge_again(self) -> None:
        """Tell the client anew how far it was heard: it may have missed it."""
        self._acknowledged = -1
        if self._done_until is not None:
            self._acknowledge(self._done_until)

    def _fail(self, error: Exception) -> None:
        self.failed = error if isinstance(error, RecognizerError) else RecognizerError(str(error))
