"""Dispatcher: briefs go in, readers who follow their topics get them, by mail and by feed."""

__version__ = "0.1.0"
