"""The paper profile, the paper's numbers and the words of the languages, as literal values.

Each is data that no other code can check: what the paper and docs/paper.md say is written here
once more, run by run.
"""

import hashlib

import pytest

from pipeline.languages import LANGUAGES
from pipeline.params.whole import load_params
from pipeline.training.registry import settings_of
from tests.imports import ROOT

PROFILE = load_params(ROOT / "profiles/paper.yaml")

YES = {"entailment": "yes", "neutral": "maybe", "contradiction": "no"}
RIGHT = {"entailment": "right", "neutral": "maybe", "contradiction": "wrong"}
PIECES = {
    "entailment": {"piece": "yes"},
    "neutral": {"piece": "may"},
    "contradiction": {"piece": "no"},
}

PAPER = {
    "epochs": 50, "updates": None, "batch_size": 24, "learning_rate": 4e-5, "weight_decay": 0.01,
    "clip": 1.0, "max_length": 256, "precision": "bfloat16", "selection": "best_dev",
    "epoch": "longest", "select_from": 1, "optimizer": "adamw", "schedule": "constant",
    "warmup": 0.0, "floor": 0.0, "trainable": "all", "rows_at_once": None, "threads": 1,
    "checkpointing": False, "weights": "float32",
    "position": "suffix", "verbalizer": YES, "predict_over": "label_words", "pairs": "paws15",
    "external_pairs": 500,
}  # fmt: skip
"""Of all runs (Section IV-B, docs/paper.md), unless they say otherwise."""

MPT = {
    "method": "mpt", "prompt_length": 4, "alpha": 0.5, "translator": "linear-2",
    "ce_over": "vocabulary", "source_prompt_for_source": True, "alignment": "kl",
    "temperature": 0.05,
}  # fmt: skip
SP = {"method": "sp", "prompt_length": 4, "ce_over": "label_words", "verbalizer": RIGHT}
DP = {
    "method": "dp", "question": "Question:", "answer": "Answer:", "ce_over": "label_words",
    "verbalizer": RIGHT,
}  # fmt: skip
MP = DP | {"method": "mp", "prompt_length": 4}
UP = {"method": "up", "ce_over": "vocabulary"}
DPA = {"method": "dpa", "label_words": "dpa", "pieces": "last", "mixture": 1.2, "predict": "source"}
SOFTMV = {
    "method": "softmv", "prompt_length": 4, "label_words": "zhao-schuetze", "pieces": "last",
    "copy": "none", "rate": 0.55, "consistency": 0.3,
}  # fmt: skip
XNLI = {"pairs": "xnli", "external_pairs": None}
SCHUETZE = {
    "learning_rate": 1e-5, "optimizer": "adam_l2",
    "batch_size": {"k1": 4, "k2": 8, "k4": 12, "k8": 24}, "precision": "float32",
}  # fmt: skip
ZHOU = {"learning_rate": 1e-5, "weight_decay": 0.0, "batch_size": 8, "precision": "float32"}

RUNS = {
    "untrained": {"method": "untrained", "epochs": 0},
    "ft": {"method": "ft"},
    "sp": SP,
    "pct": {"method": "pct", "form": "template"},
    "mpt": MPT,
    # Table II
    "no_consistency": MPT | {"alpha": 1.0},
    "no_external_data": MPT | XNLI,
    "no_external_data_matched": MPT | XNLI | {"epochs": None, "updates": 1050, "epoch": 21},
    "unlabelled_xnli": MPT | {"pairs": "xnli_unlabelled"},
    "no_translator": MPT | {"translator": "none"},
    # Figure 4
    "linear_1": MPT | {"translator": "linear-1"},
    "lstm_1": MPT | {"translator": "lstm-1"},
    "lstm_2": MPT | {"translator": "lstm-2"},
    "transformer_1": MPT | {"translator": "transformer-1"},
    "transformer_2": MPT | {"translator": "transformer-2"},
    "prefix": MPT | {"position": "prefix"},
    "midfix": MPT | {"position": "midfix"},
    "endfix": MPT | {"position": "endfix"},
    # Figure 5
    **{f"length_{m}": MPT | {"prompt_length": m} for m in (1, 2, 8, 16)},
    **{f"alpha_0{n}": MPT | {"alpha": n / 10} for n in (0, 1, 2, 3, 4, 6, 7, 8, 9)},
    **{f"pairs_{n}": MPT | {"external_pairs": n} for n in (125, 250, 1000)},
    "pairs_2000": MPT | {"external_pairs": 2000, "epochs": 15},
    "pairs_8000": MPT | {"external_pairs": 8000, "epochs": 4},
    # Other methods with the common settings
    "dp": DP,
    "mp": MP,
    "up": UP,
    "dpa": DPA,
    "softmv": SOFTMV,
    "softmv_translated": SOFTMV | XNLI | {"copy": "translation"},
    "contrastive": MPT | {"alignment": "contrastive"},
    # As in their authors' code
    "ft_authors": {
        "method": "ft", "learning_rate": 1e-5, "weight_decay": 0.0, "clip": 1e9, "batch_size": 32,
        "precision": "float32",
    },
    "sp_authors": SP | SCHUETZE | {"max_length": 254},
    "dp_authors": DP | SCHUETZE,
    "mp_authors": MP | SCHUETZE,
    "pct_authors": {
        "method": "pct", "form": "released", "verbalizer": PIECES, "predict_over": "vocabulary",
        "learning_rate": 2e-5, "schedule": "linear", "warmup": 0.1, "floor": 0.1,
        "weight_decay": 0.0, "clip": 1e9, "batch_size": 32, "max_length": 128,
        "precision": "float32",
    },
    "up_authors": UP | ZHOU,
    "dpa_authors": DPA | ZHOU,
    "softmv_authors": SOFTMV
    | {"learning_rate": 1e-5, "epochs": 70, "batch_size": 12, "precision": "float32"},
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_run_has_the_settings_of_the_paper_or_of_its_authors(name):
    run = PROFILE.run(name)
    settings = settings_of(run, external_pairs=run.parallel.external_pairs or PROFILE.paws15.pairs)
    assert settings == PAPER | RUNS[name]


def test_every_run_of_the_profile_is_held():
    assert set(PROFILE.methods) == set(RUNS)


def test_the_blocks_are_the_tables_and_figures_of_the_paper():
    shots = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    blocks = {name: (set(b.runs), b.shots, b.seeds) for name, b in PROFILE.blocks.items()}
    seeds, runs = (1, 2, 3, 4, 5), list(RUNS)
    first, last = runs.index("linear_1"), runs.index("pairs_8000")
    assert blocks == {
        "grid": ({"untrained", "ft", "sp", "pct", "mpt"}, shots, seeds),
        "ablations": (set(runs[runs.index("no_consistency") : first]), (4, 64), seeds),
        "sweeps": (set(runs[first : last + 1]), (64,), seeds),
        "matched": ({"ft_matched", "sp_matched", "pct_matched"}, shots, seeds),
    }
    assert PROFILE.comparison.reference == "mpt"
    assert PROFILE.comparison.baseline == "sp"
    assert dict(PROFILE.comparison.table2) == {
        "no-consistency": "no_consistency",
        "no-external-data": "no_external_data",
        "no-translator": "no_translator",
        "no-mpt": "sp",
    }


def test_the_text_is_that_of_the_paper():
    assert PROFILE.languages.source == "en"
    assert " ".join(PROFILE.languages.targets) == "ar bg de el es fr hi ru sw th tr ur vi zh"
    xnli, paws_x, backbone = PROFILE.datasets.xnli, PROFILE.datasets.paws_x, PROFILE.backbone
    sources = {source.path: source.revision for source in (xnli, paws_x, backbone)}
    assert sources == {
        "facebook/xnli": "b8dd5d7af51114dbda02c0e3f6133f332186418e",
        "google-research-datasets/paws-x": "4cd8187c404bda33cb1f62b49b001115862acf37",
        "FacebookAI/xlm-roberta-base": "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
    }
    assert (xnli.rows, paws_x.splits) == (None, ("train",))
    paws15, fewshot = PROFILE.paws15, PROFILE.fewshot
    assert (paws15.pairs, paws15.extended, paws15.seed) == (500, 8000, 0)
    assert (paws15.assignment, paws15.engine) == ("balanced", "google")
    assert PROFILE.pair_languages == PROFILE.languages.targets
    assert (fewshot.source, fewshot.split_seed) == ("sample", 0)
    assert (fewshot.per_seed, fewshot.translations) == (False, True)


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("table1.csv", "1e72bea7d478abea5dc719fb2e4d46e4b01c805a04cdcff101368c098a75568b"),
        ("table2.csv", "16e1fa26192d718bda43c4a01c9301c92f30d9ace2f6507fa83c1524d4ee9612"),
        ("published.csv", "50aa45d8f107fb417d648f5525680786cd4d97b23f54312212d570a94874dbdc"),
    ],
)
def test_the_numbers_of_papers_are_those_that_were_proofread(name, sha256):
    assert hashlib.sha256((ROOT / "data/paper" / name).read_bytes()).hexdigest() == sha256


ENGINES = ("google", "mymemory", "libre")
WORDS = """\
ar|Arabic|Semitic|Arabic|سؤال|جواب|ar ar-SA ar|0.4 2.5
bg|Bulgarian|Slavic|Cyrillic|Въпрос|Отговор|bg bg-BG|0.4 2.5
de|German|Germanic|Latin|Frage|Antwort|de de-DE de|0.4 2.5
el|Greek|Greek|Greek|Ερώτηση|Απάντηση|el el-GR|0.4 2.5
en|English|Germanic|Latin|Question|Answer|en en-US en|0.4 2.5
es|Spanish|Romance|Latin|Pregunta|Respuesta|es es-ES es|0.4 2.5
fr|French|Romance|Latin|Question|Réponse|fr fr-FR fr|0.4 2.5
hi|Hindi|Indo-Aryan|Devanagari|प्रश्न|उत्तर|hi hi-IN hi|0.4 2.5
ru|Russian|Slavic|Cyrillic|Вопрос|Ответ|ru ru-RU ru|0.4 2.5
sw|Swahili|Bantu|Latin|Swali|Jibu|sw sw-KE|0.4 2.5
th|Thai|Tai|Thai|คำถาม|คำตอบ|th th-TH|0.4 2.5
tr|Turkish|Turkic|Latin|Soru|Cevap|tr tr-TR tr|0.4 2.5
ur|Urdu|Indo-Aryan|Arabic|سوال|جواب|ur ur-PK|0.4 2.5
vi|Vietnamese|Vietic|Latin|Câu hỏi|Trả lời|vi vi-VN vi|0.4 2.5
zh|Chinese|Chinese|Han|问题|答案|zh-CN zh-CN zh|0.15 1.0
"""
"""Code, name, family, script, PCT's two words, the codes of google, mymemory and libre, bounds."""


def test_the_table_of_languages_is_as_it_was_proofread():
    found = [
        "|".join(
            (
                code, row.name, row.family, row.script, row.question, row.answer,
                " ".join(row.codes[engine] for engine in ENGINES if engine in row.codes),
                " ".join(map(str, row.length)),
            )
        )
        for code, row in LANGUAGES.items()
    ]  # fmt: skip
    assert found == WORDS.splitlines()
