"""Leaves silence out: what is not spoken is not sent."""
