"""Encoded sound as clients send it, turned into the 16 kHz samples that recognisers take."""
