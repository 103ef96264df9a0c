"""What 1Password holds: polls, lists, lookups, reads."""
