"""The microphone, made to be left alone for a year."""
