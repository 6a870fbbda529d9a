"""Predictions of an exported model for sentence pairs in files."""
