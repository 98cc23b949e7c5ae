"""Hides phone numbers, addresses, card numbers and names before anything is stored."""
