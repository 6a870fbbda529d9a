"""Predictions -> accuracies, tests of significance, tables."""
