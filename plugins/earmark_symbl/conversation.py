"""A client for the Conversation API: what was said and found, during a conversation and after it.

async with open_conversations(url, token=token) as conversations:
    for message in await conversations.messages(conversation_id, sentiment=True):
        ...
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from earmark_symbl.address import Options
from earmark_symbl.http import decoded
from earmark_symbl.peer import Peer, open_peer
from earmark_symbl.resources import (
    Analytics,
    ConversationInfo,
    FoundEntity,
    Member,
    StoredInsight,
    StoredMessage,
    StoredTopic,
    SummaryPart,
    Transcript,
)
from earmark_symbl.results import TrackerHit

T = TypeVar("T")
_ROOT = "/v1/conversations"
Query = Mapping[str, str]


class ConversationApi:
    """Asks a service about conversations; every method raises a `SymblError` where it cannot."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def conversations(
        self, *, limit: int = 20, offset: int = 0, order: Literal["asc", "desc"] = "desc"
    ) -> tuple[ConversationInfo, ...]:
        """The conversations there are, the latest first."""
        query = {"limit": str(limit), "offset": str(offset), "order": order}
        return await self._listed("", "conversations", ConversationInfo, query)

    async def conversation(self, conversation: str) -> ConversationInfo:
        """One conversation."""
        return await self._get(_part(conversation), ConversationInfo)

    async def set_metadata(self, conversation: str, metadata: Mapping[str, Any]) -> None:
        """Keep what the caller wants to know of a conversation later."""
        await self._peer.request("PUT", _ROOT + _part(conversation), body={"metadata": metadata})

    async def delete(self, conversation: str) -> None:
        """Delete a conversation and all that came of it."""
        await self._peer.request("DELETE", _ROOT + _part(conversation))

    async def messages(
        self, conversation: str, *, sentiment: bool = False, verbose: bool = False
    ) -> tuple[StoredMessage, ...]:
        """What was said; with how it sounds, and with every word, where asked for."""
        query = _flags(sentiment=sentiment, verbose=verbose)
        return await self._listed(_part(conversation, "messages"), "messages", StoredMessage, query)

    async def topics(self, conversation: str, *, sentiment: bool = False) -> tuple[StoredTopic, ...]:
        """What it was about."""
        return await self._listed(_part(conversation, "topics"), "topics", StoredTopic, _flags(sentiment=sentiment))

    async def action_items(self, conversation: str) -> tuple[StoredInsight, ...]:
        """What is to be done."""
        return await self._listed(_part(conversation, "action-items"), "actionItems", StoredInsight)

    async def follow_ups(self, conversation: str) -> tuple[StoredInsight, ...]:
        """What is to be come back to."""
        return await self._listed(_part(conversation, "follow-ups"), "followUps", StoredInsight)

    async def questions(self, conversation: str) -> tuple[StoredInsight, ...]:
        """What was asked."""
        return await self._listed(_part(conversation, "questions"), "questions", StoredInsight)

    async def insights(self, conversation: str) -> tuple[StoredInsight, ...]:
        """All three of these, mixed."""
        return await self._listed(_part(conversation, "insights"), "insights", StoredInsight)

    async def entities(self, conversation: str) -> tuple[FoundEntity, ...]:
        """Who and what was named."""
        return await self._listed(_part(conversation, "entities"), "entities", FoundEntity)

    async def trackers(self, conversation: str) -> tuple[TrackerHit, ...]:
        """Which trackers heard something."""
        return await self._get(_part(conversation, "trackers-detected"), tuple[TrackerHit, ...])

    async def members(self, conversation: str) -> tuple[Member, ...]:
        """Who took part."""
        return await self._listed(_part(conversation, "members"), "members", Member)

    async def name_member(self, conversation: str, member: Member) -> None:
        """Say who a member is."""
        body = {"id": member.id, "name": member.name, "email": member.email}
        path = _part(conversation, "members", member.id)
        await self._peer.request("PUT", _ROOT + path, body={key: said for key, said in body.items() if said})

    async def set_speakers(self, conversation: str, events: list[dict[str, Any]]) -> None:
        """Say who spoke when, as speaker events."""
        await self._peer.request("PUT", _ROOT + _part(conversation, "speakers"), body={"speakerEvents": events})

    async def analytics(self, conversation: str) -> Analytics:
        """Who spoke how much."""
        return await self._get(_part(conversation, "analytics"), Analytics)

    async def summary(self, conversation: str) -> tuple[SummaryPart, ...]:
        """The conversation in a few sentences; raises `NotFound` while there is none."""
        return await self._listed(_part(conversation, "summary"), "summary", SummaryPart)

    async def transcript(
        self,
        conversation: str,
        *,
        content_type: Literal["text/markdown", "text/srt"] = "text/markdown",
        paragraphs: bool = True,
        speakers: bool = True,
    ) -> Transcript:
        """The whole conversation as Markdown or as subtitles."""
        body = {
            "contentType": content_type,
            "createParagraphs": paragraphs,
            "showSpeakerSeparation": speakers,
            "phrases": {"highlightOnlyInsightKeyPhrases": False, "highlightAllKeyPhrases": False},
        }
        content = await self._peer.request("POST", _ROOT + _part(conversation, "transcript"), body=body)
        return decoded(content, Transcript, host=self._peer.address.host, member="transcript")

    async def _listed(self, path: str, member: str, shape: type[T], query: Query | None = None) -> tuple[T, ...]:
        """The list under a member of the answer; an empty one where a service leaves it out."""
        content = await self._peer.request("GET", _ROOT + path, query=query)
        listed = tuple[shape, ...]  # type: ignore[valid-type] # known at run time only
        return decoded(content, listed, host=self._peer.address.host, member=member)

    async def _get(self, path: str, shape: type[T]) -> T:
        return decoded(await self._peer.request("GET", _ROOT + path), shape, host=self._peer.address.host)


def _part(*parts: str) -> str:
    return "".join("/" + quote(part, safe="") for part in parts)


def _flags(**flags: bool) -> dict[str, str]:
    return {name: "true" for name, wanted in flags.items() if wanted}


@asynccontextmanager
async def open_conversations(
    url: str,
    *,
    token: str | None = None,
    app_id: str | None = None,
    app_secret: str | None = None,
    options: Options | None = None,
) -> AsyncIterator[ConversationApi]:
    """The Conversation API of a service."""
    async with open_peer(url, token=token, app_id=app_id, app_secret=app_secret, options=options) as peer:
        yield ConversationApi(peer)
