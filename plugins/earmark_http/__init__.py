"""The local API: a running listener watched and controlled over HTTP."""
