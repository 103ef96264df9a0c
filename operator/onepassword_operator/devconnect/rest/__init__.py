"""The Connect API over HTTP."""
