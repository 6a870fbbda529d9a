"""`mpt backbone` on the real folder: what it writes has the weights of the file in float16."""

import torch
from safetensors.torch import load_file

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.files import backbone_folder
from pipeline.backbone.rows import collate
from pipeline.backbone.tokens import load_pieces
from pipeline.prompting.template import ClozeTemplate
from tests import toys
from tests.commands import call
from tests.real_data import ME5, XNLI, needs

pytestmark = [needs(ME5), needs(XNLI)]


def test_the_stage_writes_the_same_model(tmp_path, monkeypatch, capsys, backbone, xnli):
    monkeypatch.chdir(tmp_path)
    toys.write_params(toys.params(backbone__path=str(ME5)), tmp_path / "params.yaml")
    assert call(monkeypatch, "backbone") == 0
    out, err = capsys.readouterr()
    assert "57.46 M parameters" in out
    assert "masked words of 41 sentences: mean rank 3, 3,602 at the masks" in out
    assert not err
    original = load_file(ME5 / "model.safetensors")
    assert {weight.dtype for weight in original.values()} == {torch.float16}
    written = load_backbone(backbone_folder("base"))
    assert written.lm_head.decoder.weight is written.words.weight
    kept = written.state_dict()
    for name, weight in original.items():
        assert torch.equal(kept[name], weight.float()), name
    pairs = xnli["ur"].iloc[:3]
    pieces = load_pieces(backbone_folder("base"))
    template = ClozeTemplate(pieces, position="suffix", prompt_length=0, max_length=128)
    rows = template.rows(pairs.premise.tolist(), pairs.hypothesis.tolist())
    batch = collate(rows, pad=pieces.pad, device=torch.device("cpu"))
    with torch.inference_mode():
        logits = [model.logits(model.states(batch)) for model in (written, backbone)]
    assert torch.equal(*logits)
