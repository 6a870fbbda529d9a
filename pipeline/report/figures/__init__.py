"""Figures 3 to 5 of the paper and three more, as Vega-Lite charts made from the tables."""
