"""Replies that go wrong on purpose."""
