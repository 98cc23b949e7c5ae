"""Hears a Wyoming satellite, so that voice hardware can be ears."""
