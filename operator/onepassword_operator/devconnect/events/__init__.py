"""The Events API: who used which item when."""
