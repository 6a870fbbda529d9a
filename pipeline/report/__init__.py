"""The page of a whole reproduction: what was run, what came out, and beside it the paper."""
