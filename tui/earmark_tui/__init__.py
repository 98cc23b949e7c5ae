"""Eyes: watches a listener, a house of listeners, or a past conversation, in a terminal."""
