"""Go on with the conversation whose connection id was stored, as a browser does after it was closed by mistake.

python examples/seeds/reconnect.py http://127.0.0.1:8801 my-app my-secret talk.wav

Interrupt it and run it again within the time that the service keeps a conversation.
"""

import asyncio
import sys
from pathlib import Path

import soundfile

from earmark_symbl.api import Config, MessageResponse, SpeechRecognition, StartRequest, connect

STORE = Path("connection-id")


def stored() -> str | None:
    return STORE.read_text() if STORE.exists() else None


def store(connection_id: str) -> None:
    STORE.write_text(connection_id)


async def main(url: str, app_id: str, app_secret: str, path: str) -> None:
    sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
    recognition = SpeechRecognition(encoding="LINEAR16", sample_rate_hertz=rate)
    start = StartRequest(config=Config(speech_recognition=recognition), no_connection_timeout=60)
    known = stored()
    async with connect(url, app_id=app_id, app_secret=app_secret, connection_id=known, start=start) as conversation:
        store(conversation.connection_id)
        print("goes on:" if known else "begins:", conversation.id)
        await conversation.send(sound[:, 0].tobytes())
        await conversation.stop()
        async for result in conversation:
            if isinstance(result, MessageResponse):
                print(*(message.payload.content for message in result.messages), sep="\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
