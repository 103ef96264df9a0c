"""Items: their shapes, what a request may make of them, and how they are shown."""
