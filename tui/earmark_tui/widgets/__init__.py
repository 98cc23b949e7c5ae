"""What the viewer's screen is made of."""
