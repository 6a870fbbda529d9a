"""Engine `nllb`: tiny models in the forms of NLLB-200, M2M-100 and MADLAD."""

import json
import shutil
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.params.text import Translation
from pipeline.translation import seq2seq
from pipeline.translation.seq2seq import Seq2Seq, Tokens
from tests.commands import call, environment, only_line
from tests.hub_server import Repository, closed_port, serving
from tests.translation import models, projects
from tests.translation_server import rendering

LANGUAGES = ("de", "zh")
COMMIT = "d" * 40
POOL = projects.english(6)
LESSONS = [
    (text, language, rendering(text, language))
    for pair in POOL.itertuples()
    for text in (pair.premise, pair.hypothesis)
    for language in LANGUAGES
]
ENGLISH = [text for text, language, _ in LESSONS if language == "de"]
ENGLISH += ["a dog", "the dog runs over the field over the field over the wide field"]


@pytest.fixture(scope="module")
def random(tmp_path_factory):
    """A folder with a random model of each family; not to be changed."""
    folder = tmp_path_factory.mktemp("random")
    for family, steps in (("nllb", 0), ("m2m100", 0), ("madlad", 30)):  # a random T5 says nothing
        models.write(family, folder / family, LESSONS, steps=steps)
    return folder


@pytest.fixture(scope="module")
def known_by_heart(tmp_path_factory):
    """A folder with a model in NLLB-200's form that has learned LESSONS; not to be changed."""
    return models.write("nllb", tmp_path_factory.mktemp("taught"), LESSONS, steps=150)


@pytest.fixture
def taught(known_by_heart, folder):
    return shutil.copytree(known_by_heart, folder / "nllb")


def write(folder, *, languages=LANGUAGES, pairs=6, path="nllb", **changes):
    """Write pool and params.yaml; batches hold about two sentences."""
    changes = {"batch_tokens": 24, "model": {"path": path}} | changes
    projects.write(folder, POOL, engine="nllb", languages=languages, pairs=pairs, **changes)


def by_transformers(model, tokenizer, family, text, *, target, beams, most):
    """Translate one sentence as `transformers` does by itself."""
    if family == "madlad":
        given, forced = tokenizer(f"<2{target}> {text}", return_tensors="pt"), {}
    else:
        source, code = {"nllb": ("eng_Latn", {"de": "deu_Latn", "zh": "zho_Hans"}[target]),
                        "m2m100": ("en", target)}[family]  # fmt: skip
        tokenizer.src_lang = source
        given = tokenizer(text, return_tensors="pt")
        token = code if family == "nllb" else f"__{code}__"
        forced = {"forced_bos_token_id": tokenizer.convert_tokens_to_ids(token)}
    found = model.generate(**given, **forced, num_beams=beams, do_sample=False, max_new_tokens=most)
    return tokenizer.decode(found[0, 2 if forced else 1 :], skip_special_tokens=True)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("family", ["nllb", "m2m100", "madlad"])
def test_batches_are_translated_as_transformers_translates_each_sentence(
    family, beams, random, monkeypatch
):
    tokens = Tokens(random / family, place="here")
    settings = Translation(beams=beams, batch_tokens=120)
    model = Seq2Seq(random / family, tokens, settings, place="here")
    texts = set()
    for target in LANGUAGES:
        ids = tokens.ids(ENGLISH, source="en", target=target)
        seen = []
        for numbers in model.batches(ids):
            found = model.translate([ids[number] for number in numbers], target=target)
            most = 2 * max(len(ids[number]) for number in numbers) + 32
            for number, (text, _) in zip(numbers, found, strict=True):
                assert text == by_transformers(
                    model.model, tokens.tokenizer, family, ENGLISH[number],
                    target=target, beams=beams, most=most,
                )  # fmt: skip
                texts.add((text, target))
            seen += numbers
        assert sorted(seen) == list(range(len(ENGLISH)))
    assert len(texts) > len(LANGUAGES)  # not one text for all sentences


def test_batches_are_bounded_and_begin_anew_anywhere(random):
    tokens = Tokens(random / "nllb", place="here")
    for beams in (1, 2):
        settings = Translation(batch_tokens=30 * beams, beams=beams)
        model = Seq2Seq(random / "nllb", tokens, settings, place="here")
        ids = [[number] * length for number, length in enumerate((3, 9, 40, 9, 12, 3, 2, 31, 8))]
        batches = list(model.batches(ids))
        lengths = [[len(ids[number]) for number in batch] for batch in batches]
        assert lengths == [[40], [31], [12, 9], [9, 8, 3], [3, 2]]
        for after in range(len(batches)):
            rest = [ids[number] for batch in batches[after:] for number in sorted(batch)]
            again = [[rest[number] for number in batch] for batch in model.batches(rest)]
            assert again == [[ids[number] for number in batch] for batch in batches[after:]]


def test_pairs_are_translated_kept_and_described(folder, taught, paws15, capsys):
    write(folder)
    assert paws15() == 0
    capsys.readouterr()
    for row in projects.pairs(folder).itertuples():
        assert row.engine == "nllb"
        assert row.target_premise == rendering(row.premise, row.language)
        assert row.target_hypothesis == rendering(row.hypothesis, row.language)
    facts = projects.facts(folder)
    assert facts["counts"] == {"de": 3, "zh": 3}
    assert facts["refusals"] == {}
    name, digest, library, *rest = facts["engine_version"].split(", ")
    assert (name, rest) == ("nllb", ["greedy", "float32"])
    assert digest.startswith("SHA-256 ")
    assert library.startswith("transformers ")
    # Everything is in the journal, so the weights are not needed any more.
    before = projects.written(folder)
    assert paws15() == 0
    assert projects.written(folder) == before
    assert paws15("--status") == 0
    assert "12" in capsys.readouterr().out.splitlines()[-1]


@pytest.fixture
def asked(monkeypatch):
    """The batches that models translate; a number in `stop_after` interrupts them."""
    right = Seq2Seq.translate

    class Asked(list):
        stop_after = None

    batches = Asked()

    def translate(self, ids, *, target):
        if len(batches) == batches.stop_after:
            raise KeyboardInterrupt
        batches.append((target, [tuple(row) for row in ids]))
        return right(self, ids, target=target)

    monkeypatch.setattr(Seq2Seq, "translate", translate)
    return batches


@pytest.mark.parametrize("beams", [1, 2])
def test_a_stopped_run_goes_on_with_the_same_batches_and_ends_with_the_same_pairs(  # noqa: PLR0917
    beams, folder, taught, paws15, asked, monkeypatch
):
    write(folder, beams=beams)
    assert paws15() == 0
    whole, pairs = list(asked), (folder / "data/paws15/pairs.parquet").read_bytes()
    assert len(whole) > 4
    shutil.rmtree(folder / "data/paws15")
    monkeypatch.setenv("MPT_JOURNAL", str(folder / "another.sqlite"))
    asked.clear()
    for asked.stop_after in (1, 3):
        assert paws15() == 130
        assert len(projects.journal("accepted")) == sum(len(ids) for _, ids in asked)
        assert not (folder / "data/paws15").exists()
    asked.stop_after = None
    assert paws15() == 0
    assert list(asked) == whole
    assert (folder / "data/paws15/pairs.parquet").read_bytes() == pairs


def test_killed_in_the_middle_of_batches_it_ends_with_the_same_pairs(
    folder, taught, paws15, asked, monkeypatch
):
    write(folder)
    assert paws15() == 0
    whole, pairs = list(asked), (folder / "data/paws15/pairs.parquet").read_bytes()
    shutil.rmtree(folder / "data/paws15")
    monkeypatch.setenv("MPT_JOURNAL", str(folder / "another.sqlite"))
    code = """
import os, signal, sys
from pipeline.translation.seq2seq import Seq2Seq
from stages.cli import main
right, left = Seq2Seq.translate, [0, 1]
def translate(self, ids, *, target):
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left.pop()
    return right(self, ids, target=target)
Seq2Seq.translate, sys.argv = translate, ["mpt", "paws15"]
main()
"""
    for times in (1, 2):
        ended = subprocess.run([sys.executable, "-c", code], env=environment(), check=False)
        assert ended.returncode == -signal.SIGKILL
        kept = sum(len(ids) for _, ids in whole[: 2 * times])
        assert len(projects.journal("accepted")) == kept
        assert not (folder / "data/paws15").exists()
    asked.clear()
    assert paws15() == 0
    assert list(asked) == whole[4:]
    assert (folder / "data/paws15/pairs.parquet").read_bytes() == pairs


def test_memory_that_does_not_suffice_is_one_line_and_keeps_what_is_done(
    folder, taught, paws15, monkeypatch, capsys
):
    from transformers import M2M100ForConditionalGeneration as Model

    right, calls = Model.generate, []

    def generate(self, *arguments, **options):
        calls.append(options)
        if len(calls) == 3:
            raise torch.OutOfMemoryError
        return right(self, *arguments, **options)

    monkeypatch.setattr(Model, "generate", generate)
    write(folder)
    assert paws15() == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.endswith("lower paws15.translation.batch_tokens (24)")
    assert len(projects.journal("accepted")) == sum(len(call["input_ids"]) for call in calls[:2])
    assert paws15() == 0


def test_bfloat16_is_another_version_and_translates_with_weights_of_that_type(
    folder, taught, paws15, monkeypatch
):
    types = set()
    right = Seq2Seq.translate

    def translate(self, ids, *, target):
        types.update(weight.dtype for weight in self.model.parameters())
        return right(self, ids, target=target)

    monkeypatch.setattr(Seq2Seq, "translate", translate)
    write(folder, precision="bfloat16")
    assert paws15() == 0
    assert types == {torch.bfloat16}
    assert projects.facts(folder)["engine_version"].endswith(", greedy, bfloat16")


def test_a_batch_is_kept_as_a_whole_or_not_at_all(folder, taught, paws15, monkeypatch):
    write(folder, batch_tokens=1000)
    from pipeline.translation.engines import nllb

    calls = []

    def settled(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return right(*arguments, **options)

    right = nllb._settled
    monkeypatch.setattr(nllb, "_settled", settled)
    assert paws15() == 130
    assert projects.journal("accepted").empty


def test_other_weights_or_settings_translate_again(folder, taught, paws15, asked):
    write(folder)
    assert paws15() == 0
    once = len(asked)
    write(folder, beams=2)
    assert paws15() == 0
    assert len(asked) > once
    twice = len(asked)
    write(folder, batch_tokens=48)  # changes no translation
    assert paws15() == 0
    assert len(asked) == twice
    path = taught / "generation_config.json"
    path.write_text(path.read_text() + " ")
    assert paws15() == 0
    assert len(asked) > twice
    again = len(asked)
    (taught / "README.md").write_text("not read")
    shutil.move(taught, folder / "elsewhere")
    (folder / "elsewhere/nllb").mkdir()
    shutil.move(folder / "elsewhere", folder / "moved")
    shutil.move(folder / "moved", taught)
    assert paws15() == 0
    assert len(asked) == again


def test_a_text_without_an_end_is_refused_once_and_another_pair_takes_its_place(  # noqa: PLR0917
    folder, taught, paws15, asked, monkeypatch, capsys
):
    bad, right = POOL.premise[0], Seq2Seq.translate

    def translate(self, ids, *, target):
        words = self._tokens.tokenizer.batch_decode(ids, skip_special_tokens=True)
        found = right(self, ids, target=target)
        return [
            (text, ended and word != bad) for (text, ended), word in zip(found, words, strict=True)
        ]

    monkeypatch.setattr(Seq2Seq, "translate", translate)
    write(folder)
    assert paws15() == 1
    lines = capsys.readouterr().err
    assert "no end of the sentence" in lines
    assert "attempts" not in lines.splitlines()[-1]
    assert len(projects.journal("refused")) == 1
    once = len(asked)
    assert paws15() == 1
    assert len(asked) == once
    write(folder, pairs=5, replace=True)
    assert paws15() == 0
    assert len(projects.pairs(folder)) == 5
    assert POOL.pair_id[0] not in set(projects.pairs(folder).pair_id)


def test_a_random_model_never_ends_within_the_bound(random):
    tokens = Tokens(random / "nllb", place="here")
    model = Seq2Seq(random / "nllb", tokens, Translation(), place="here")
    ids = tokens.ids(ENGLISH[:3], source="en", target="de")
    lengths = []
    original = model.model.generate
    model.model.generate = lambda **options: (
        lengths.append(options["generation_config"].max_new_tokens) or original(**options)
    )
    assert not all(ended for _, ended in model.translate(ids, target="de"))
    assert lengths == [2 * max(map(len, ids)) + 32]


def test_the_hubs_model_is_downloaded_once_and_then_offline(folder, taught, paws15, monkeypatch):
    for other in ("pytorch_model.bin", "README.md", "model.ot"):
        (taught / other).write_text("not to be downloaded")
    name = "facebook/nllb-tiny"
    write(folder, model={"path": name, "revision": COMMIT})
    with serving(Repository("models", name, COMMIT, taught)) as hub:
        hub.use(monkeypatch, folder / "cache")
        assert paws15() == 0
        assert hub.revisions == {COMMIT}
        assert hub.downloaded == [
            "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
            "tokenizer_config.json",
        ]  # fmt: skip
        assert projects.facts(folder)["engine_version"].startswith(f"{name}@{COMMIT}, transformers")
        pairs = (folder / "data/paws15/pairs.parquet").read_bytes()
        for number, broken in enumerate(({"url": closed_port()}, {"offline": True})):
            monkeypatch.setenv("MPT_JOURNAL", str(folder / f"{number}.sqlite"))
            hub.use(monkeypatch, folder / "cache", **broken)
            assert paws15() == 0
            assert (folder / "data/paws15/pairs.parquet").read_bytes() == pairs


def test_pickled_weights_will_do_and_safetensors_are_preferred(folder, taught, paws15):
    write(folder)
    weights = load_file(taught / "model.safetensors")
    (taught / "pytorch_model.bin").write_text("broken")
    assert paws15() == 0
    (taught / "model.safetensors").unlink()
    torch.save(weights, taught / "pytorch_model.bin")
    pairs = (folder / "data/paws15/pairs.parquet").read_bytes()
    assert paws15() == 0
    assert (folder / "data/paws15/pairs.parquet").read_bytes() == pairs


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model": {"path": "facebook/nllb", "revision": "main"}},
         "model.revision: expected a commit of facebook/nllb on the Hub (40 hexadecimal digits), "
         "because a branch moves, found main"),
        ({"model": {"path": "facebook/nllb"}},
         "model.revision: expected a commit of facebook/nllb on the Hub (40 hexadecimal digits), "
         "because a branch moves, found nothing"),
        ({"model": {"path": "./none"}},
         "model.path: expected a Hub id (owner/name) or a folder with a model, found no folder "
         "./none"),
        ({"model": {"revision": COMMIT}}, "model.path: expected this key, found nothing"),
        ({"beams": 0}, "beams: expected more than 0, found 0"),
        ({"batch_tokens": 1.5}, "batch_tokens: expected a whole number, found 1.5"),
        ({"precision": "float16"}, "precision: expected float32 or bfloat16, found 'float16'"),
    ],
)  # fmt: skip
def test_bad_settings_are_one_line_of_every_command(changes, line, project, monkeypatch, capsys):
    projects.params(project, engine="nllb", languages=LANGUAGES, **changes)
    for command in ("check", "inputs", "paws15"):
        if command == "paws15":
            write(project, **changes)
        assert call(monkeypatch, command) == 2
        assert only_line(capsys.readouterr().err) == f"params.yaml: paws15.translation.{line}"


def test_a_language_that_the_model_lacks_is_one_line(folder, taught, paws15, capsys):
    write(folder, languages=("de", "sw"))
    assert paws15() == 2
    assert only_line(capsys.readouterr().err) == (
        "params.yaml: paws15.languages: expected languages that engine nllb knows (de, zh), "
        "found 'sw'"
    )


def test_models_that_do_not_fit_are_one_line(folder, taught, toy_backbone, paws15, capsys):
    def complaint():
        assert paws15() == 2
        line = only_line(capsys.readouterr().err)
        place = "params.yaml: paws15.translation.model: nllb: "
        assert line.startswith(place)
        return line.removeprefix(place)

    write(folder)
    weights = load_file(taught / "model.safetensors")
    gone = sorted(weights)[0]
    del weights[gone]
    save_file(weights, taught / "model.safetensors", metadata={"format": "pt"})
    assert complaint() == (
        f"expected weights of M2M100ForConditionalGeneration that fit config.json, found none for "
        f"{gone}"
    )
    (taught / "model.safetensors").write_text("broken")
    assert complaint().startswith("expected a sequence-to-sequence model with a tokenizer, found ")
    shutil.rmtree(taught)
    shutil.copytree(toy_backbone, taught)
    assert complaint() == (
        "expected a model with tokens of languages, as those of NLLB-200 (deu_Latn), M2M-100 "
        "(__de__) or MADLAD (<2de>), found none"
    )


def test_code_of_a_model_is_never_run(folder, taught, paws15):
    (taught / "code.py").write_text("from pathlib import Path\nPath('ran').touch()\nclass Some: 1")
    for name, classes in (
        ("config.json", {"AutoConfig": "code.Some", "AutoModelForSeq2SeqLM": "code.Some"}),
        ("tokenizer_config.json", {"AutoTokenizer": ["code.Some", None]}),
    ):
        path = taught / name
        path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": classes}))
    write(folder)
    assert paws15() == 0
    assert not (folder / "ran").exists()


def test_a_split_language_token_is_refused(random, tmp_path, monkeypatch):
    tokens = Tokens(random / "madlad", place="here")
    monkeypatch.setattr(tokens, "tokenizer", Splitting(tokens.tokenizer))
    with pytest.raises(seq2seq.InputError, match="keeps <2de> whole"):
        tokens.ids(["a dog"], source="en", target="de")


class Splitting:
    """A tokenizer that knows `<2de>`, but never uses it."""

    def __init__(self, right):
        self._right = right

    def __getattr__(self, name):
        return getattr(self._right, name)

    def __call__(self, texts):
        return self._right([text.replace("<", "< ") for text in texts])


def test_nothing_else_imports_the_libraries_of_models(folder, monkeypatch):
    with_engine = """
import sys
from pipeline.translation.engines import engines, build, nllb
from pipeline.params.whole import load_params
import stages.paws15
build(load_params())
assert "nllb" in engines()
print([name for name in ("torch", "transformers", "sentencepiece") if name in sys.modules])
"""
    projects.write(folder, POOL, engine="google")
    ended = subprocess.run(
        [sys.executable, "-c", with_engine], env=environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert ended.stdout == "[]\n"
