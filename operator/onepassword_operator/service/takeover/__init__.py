"""Objects that the official operator left behind."""
