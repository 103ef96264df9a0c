"""Items: their forms, changes by requests, and rendering."""
