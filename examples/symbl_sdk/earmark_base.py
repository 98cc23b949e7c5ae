"""Point Symbl's own Python SDK at another address: import this first, and everything else stays as it was.

EARMARK_URL=http://127.0.0.1:8801 python your_application.py

import earmark_base  # noqa: F401
import symbl
"""

import os
import sys

URL = os.environ.get("EARMARK_URL", "http://127.0.0.1:8801").rstrip("/")

if "symbl" in sys.modules:
    raise ImportError("import earmark_base before symbl: the SDK makes its clients when it is imported")

import symbl_rest  # noqa: E402

configuration = symbl_rest.Configuration()
configuration.host = URL
symbl_rest.Configuration.set_default(configuration)

import symbl.streaming_api.StreamingApi  # noqa: E402

symbl.streaming_api.StreamingApi.SYMBL_STREAMING_API_FORMAT = (
    URL.replace("http", "ws", 1) + "/v1/realtime/insights/{}?source=python_sdk"
)
