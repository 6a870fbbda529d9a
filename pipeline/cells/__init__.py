"""A cell: one run with one number of shots and one seed. What it writes and what it is worth."""
