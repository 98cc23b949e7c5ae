"""Marks on an MQTT broker, and the room in Home Assistant."""
