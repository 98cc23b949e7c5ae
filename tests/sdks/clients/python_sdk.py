"""PyPI's `symbl`, unchanged but for the address: streams a recording and prints what came of it as JSON.

python_sdk.py URL APP_ID APP_SECRET PCM_FILE RATE
"""

import json
import os
import sys
import time
from pathlib import Path

url, app_id, app_secret, file, rate = sys.argv[1:]

os.environ["EARMARK_URL"] = url
sys.path.insert(0, str(Path(__file__).parents[3] / "examples/symbl_sdk"))

import earmark_base  # noqa: E402, F401
import symbl  # noqa: E402

came = {"speech": [], "messages": [], "insights": [], "topics": [], "trackers": []}
credentials = {"app_id": app_id, "app_secret": app_secret}
connection = symbl.Streaming.start_connection(
    credentials=credentials,
    insight_types=["question", "action_item", "follow_up"],
    speaker={"name": "Anna", "userId": "anna@example.com"},
    config={"speechRecognition": {"sampleRateHertz": int(rate)}},
    trackers=[{"name": "Repairs", "vocabulary": ["call the plumber"]}],
)
connection.subscribe(
    {
        "message": lambda told: came["speech"].append(told["message"]["type"]),
        "message_response": lambda told: came["messages"].extend(m["payload"]["content"] for m in told["messages"]),
        "insight_response": lambda told: came["insights"].extend(i["type"] for i in told["insights"]),
        "topic_response": lambda told: came["topics"].extend(t["phrases"] for t in told["topics"]),
        "tracker_response": lambda told: came["trackers"].extend(t["name"] for t in told["trackers"]),
    }
)
sound = Path(file).read_bytes()
block = int(rate) // 10 * 2
for first in range(0, len(sound), block):
    connection.send_audio(sound[first : first + block])
    time.sleep(0.025)
connection.stop()
deadline = time.monotonic() + 30
while connection.connection.keep_running and time.monotonic() < deadline:
    time.sleep(0.1)
came["closed"] = not connection.connection.keep_running

conversation = connection.conversation


def plain(answer):
    """What the SDK's models hold, or the dictionary that it makes of every failure."""
    if isinstance(answer, list):
        return [plain(item) for item in answer]
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


asked = {
    "get_messages": conversation.get_messages(parameters={"sentiment": True, "verbose": True}),
    "get_topics": conversation.get_topics(),
    "get_questions": conversation.get_questions(),
    "get_action_items": conversation.get_action_items(),
    "get_follow_ups": conversation.get_follow_ups(),
    "get_members": conversation.get_members(),
    "get_analytics": conversation.get_analytics(),
    "get_entities": conversation.get_entities(),
    "get_trackers": conversation.get_trackers(),
    "get_conversation": conversation.get_conversation(),
}
came["api"] = {name: plain(answer) for name, answer in asked.items()}
# Not asked: put_members and put_speakers_events, whose wrappers in the SDK raise before any request is made.
print(json.dumps(came, default=str))
