"""A server of Symbl's streaming protocol that runs offline on a small machine."""
