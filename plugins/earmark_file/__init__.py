"""Recordings and standard input as sources; the terminal and files of JSON lines as sinks."""
