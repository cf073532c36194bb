"""Fault trials: the whole product, broken on purpose while it sends; what was promised is counted."""
