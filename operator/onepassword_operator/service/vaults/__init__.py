"""1Password's vaults and items: polls, lists, lookups, reads."""
