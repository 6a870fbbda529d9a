"""The miniature 15-language benchmark and its backbone, made from data/pocket's sources."""
