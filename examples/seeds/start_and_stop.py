"""Start a streaming connection, hear what is said, stop: the first thing anybody tried with Symbl's SDKs.

earmark serve        # in another terminal; takes any id and secret from this machine
python examples/seeds/start_and_stop.py http://127.0.0.1:8801 my-app my-secret talk.wav
"""

import asyncio
import sys

import soundfile

from earmark_symbl.api import (
    Config,
    InsightResponse,
    MessageResponse,
    RecognitionResult,
    SpeechRecognition,
    StartRequest,
    TopicResponse,
    connect,
)


async def main(url: str, app_id: str, app_secret: str, path: str) -> None:
    sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
    recognition = SpeechRecognition(encoding="LINEAR16", sample_rate_hertz=rate)
    start = StartRequest(insight_types=("question", "action_item"), config=Config(speech_recognition=recognition))
    async with connect(url, app_id=app_id, app_secret=app_secret, start=start) as conversation:
        await conversation.send(sound[:, 0].tobytes())
        await conversation.stop()
        async for result in conversation:
            if isinstance(result, MessageResponse):
                print(*(f"said: {message.payload.content}" for message in result.messages), sep="\n")
            elif isinstance(result, InsightResponse):
                print(*(f"{insight.type}: {insight.content}" for insight in result.insights), sep="\n")
            elif isinstance(result, TopicResponse):
                print(*(f"topic: {topic.phrases}" for topic in result.topics), sep="\n")
            elif isinstance(result, RecognitionResult):
                print(f"live: {result.punctuated.transcript}", end="\r")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
