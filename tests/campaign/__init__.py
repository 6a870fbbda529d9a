"""Long trials of what a kill, a full disk or a lost machine leaves: `pytest -m campaign`."""
