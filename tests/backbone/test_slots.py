"""Slots of soft prompts: each reads its own vector."""

import torch

from pipeline.backbone.slots import fill_slots


def test_each_slot_reads_its_own_vector_of_its_own_prompt():
    prompts = torch.arange(2 * 9, dtype=torch.float32).reshape(2, 9, 1)
    slots = torch.tensor([-1, *range(9), -1, *reversed(range(9))])
    prompt = torch.tensor([0] * 10 + [1] * 10)
    words = torch.full((20, 1), -1.0)
    filled = fill_slots(words, slots, prompt, prompts=prompts)
    assert filled[:, 0].tolist() == [-1, *range(9), -1, *reversed(range(9, 18))]
