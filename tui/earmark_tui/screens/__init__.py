"""What opens over the viewer: help, details, history, and questions."""
