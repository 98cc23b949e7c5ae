"""Print how each sentence sounds, soon after it was said: streaming tells when to ask, the Conversation API answers.

python examples/seeds/live_sentiment.py http://127.0.0.1:8801 my-app my-secret talk.wav
"""

import asyncio
import sys

import soundfile

from earmark_symbl.api import Config, MessageResponse, SpeechRecognition, StartRequest, connect, open_conversations


async def main(url: str, app_id: str, app_secret: str, path: str) -> None:
    sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
    start = StartRequest(
        config=Config(speech_recognition=SpeechRecognition(encoding="LINEAR16", sample_rate_hertz=rate))
    )
    shown: set[str] = set()
    async with (
        open_conversations(url, app_id=app_id, app_secret=app_secret) as conversations,
        connect(url, app_id=app_id, app_secret=app_secret, start=start) as conversation,
    ):
        await conversation.send(sound[:, 0].tobytes())
        await conversation.stop()
        async for result in conversation:
            if not isinstance(result, MessageResponse):
                continue
            for message in await conversations.messages(conversation.id, sentiment=True):
                if message.sentiment and message.id not in shown:
                    shown.add(message.id)
                    print(f"{message.sentiment.polarity.score:+.2f}  {message.text}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
