"""One small application behind every front door, and what visitors say to it."""
