"""The Symbl protocol: its messages, its session, a client, and the transport `symbl`."""
