"""Sends marks to a web address, signed and retried."""
