"""The command `earmark`: one file a command, each loaded when it is used."""
