"""The Conversation API: what a conversation came to, during it and afterwards."""
