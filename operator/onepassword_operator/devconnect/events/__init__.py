"""The Events API: uses of items, sign-ins, changes."""
