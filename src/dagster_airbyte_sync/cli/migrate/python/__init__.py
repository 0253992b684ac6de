"""Reads Python as a syntax tree that keeps every space, and writes it again."""
