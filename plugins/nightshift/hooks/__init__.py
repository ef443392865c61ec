"""Thin ways to what a task talks to."""
