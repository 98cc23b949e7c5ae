"""Ask what is known of a conversation: the latest one, or the one that is named.

python examples/seeds/conversation_api.py http://127.0.0.1:8801 my-app my-secret [CONVERSATION]
"""

import asyncio
import sys

from earmark_symbl.api import open_conversations


async def main(url: str, app_id: str, app_secret: str, conversation: str = "") -> None:
    async with open_conversations(url, app_id=app_id, app_secret=app_secret) as conversations:
        conversation = conversation or (await conversations.conversations(limit=1))[0].id
        for message in await conversations.messages(conversation):
            print(message.text)
        for title, found in (
            ("Topics", await conversations.topics(conversation)),
            ("Action items", await conversations.action_items(conversation)),
            ("Follow-ups", await conversations.follow_ups(conversation)),
            ("Questions", await conversations.questions(conversation)),
        ):
            print(f"\n{title}:", *(f"  {one.text}" for one in found), sep="\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
