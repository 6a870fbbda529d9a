import filecmp
from collections import Counter
from itertools import islice
from random import Random

import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Translation, TranslationVariableLanguages, load_dataset

from pipeline.languages import LANGUAGES
from pipeline.pocket.build import build_data
from pipeline.pocket.corpus import draw_corpora
from pipeline.pocket.items import CONTRADICTION, ENTAILMENT, NEUTRAL
from pipeline.pocket.pretraining import schedule
from pipeline.pocket.text import draw_lines

XNLI_SPLITS = ("train", "validation", "test")


def read(pocket, dataset, language, split):
    path = pocket / "hub" / dataset / language / f"{split}-00000-of-00001.parquet"
    return pq.read_table(path).to_pylist()


def translations(pocket, language):
    """Return the training items in a language, as rows of `en/train`."""
    rows = read(pocket, "xnli", "all_languages", "train")
    found = []
    for row in rows:
        hypotheses = dict(zip(*row["hypothesis"].values(), strict=True))
        assert list(row["hypothesis"]["language"]) == sorted(LANGUAGES)
        found.append(
            {
                "premise": row["premise"][language],
                "hypothesis": hypotheses[language],
                "label": row["label"],
            }
        )
    return found


def pairs(rows):
    first, second = (
        ("premise", "hypothesis") if "premise" in rows[0] else ("sentence1", "sentence2")
    )
    return [(row[first], row[second]) for row in rows]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_splits_are_balanced_and_disjoint_in_every_language(pocket, language):
    xnli = {split: read(pocket, "xnli", language, split) for split in XNLI_SPLITS[1:]}
    xnli["train"] = translations(pocket, language)
    paws = {split: read(pocket, "paws-x", language, split) for split in ("validation", "test")}
    for rows in (*xnli.values(), *paws.values()):
        assert len(set(Counter(row["label"] for row in rows).values())) == 1
    assert len(xnli["test"]) == 300
    assert len(xnli["validation"]) == 600
    assert [len(rows) for rows in paws.values()] == [300, 300]
    every = [pair for rows in (*xnli.values(), *paws.values()) for pair in pairs(rows)]
    assert len(set(every)) == len(every)
    tested, validated = (
        {text for pair in pairs(xnli[split]) for text in pair} for split in ("test", "validation")
    )
    rest = [*paws.values(), xnli["train"]]
    others = {text for rows in rest for pair in pairs(rows) for text in pair}
    assert not tested & validated
    assert not (tested | validated) & others


def test_rows_are_aligned(pocket):
    for dataset, split in (("xnli", "test"), ("xnli", "validation"), ("paws-x", "test")):
        labels = {
            language: [row["label"] for row in read(pocket, dataset, language, split)]
            for language in sorted(LANGUAGES)
        }
        assert all(labels[language] == labels["en"] for language in labels)


def test_the_training_items_in_all_languages_begin_with_the_english_ones(pocket):
    english = read(pocket, "xnli", "en", "train")
    assert len(english) == 2001
    assert translations(pocket, "en") == english


def test_the_training_items_are_put_into_words_as_those_of_other_splits(pocket, sources):
    grammar, items = sources.grammar, sources.corpora.xnli["train"]
    for language in sorted(LANGUAGES):
        rows = translations(pocket, language)
        assert [row["label"] for row in rows] == [one.label for one in items]
        assert [row["premise"] for row in rows] == [
            grammar.sentence(one.premise, language) for one in items
        ]
        assert [row["hypothesis"] for row in rows] == [
            grammar.sentence(one.hypothesis, language) for one in items
        ]


def test_languages_differ(pocket):
    rows = {code: pairs(read(pocket, "xnli", code, "test")) for code in sorted(LANGUAGES)}
    assert len({one[0] for one in rows.values()}) == len(LANGUAGES)


def test_same_sources_same_bytes(pocket, sources, tmp_path):
    build_data(sources, tmp_path)
    shipped = sorted(p.relative_to(pocket) for p in (pocket / "hub").rglob("*") if p.is_file())
    rebuilt = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert shipped == rebuilt
    _, different, missing = filecmp.cmpfiles(pocket, tmp_path, map(str, shipped), shallow=False)
    assert not different
    assert not missing


def test_drawing_is_deterministic(sources):
    assert draw_corpora(sources.grammar.lexicon) == sources.corpora


@pytest.mark.parametrize("language", ["en", "sw"])
def test_the_hub_client_reads_both(pocket, language, tmp_path):
    xnli = load_dataset(
        str(pocket / "hub" / "xnli"), language, split="test", cache_dir=str(tmp_path)
    )
    assert xnli.features["label"] == ClassLabel(names=["entailment", "neutral", "contradiction"])
    whole = load_dataset(
        str(pocket / "hub" / "xnli"), "all_languages", split="train", cache_dir=str(tmp_path)
    )
    codes = sorted(LANGUAGES)
    assert whole.features["premise"] == Translation(languages=codes)
    assert whole.features["hypothesis"] == TranslationVariableLanguages(languages=codes)
    assert whole.features["label"] == xnli.features["label"]
    row = whole[0]
    hypotheses = dict(zip(*row["hypothesis"].values(), strict=True))
    first = translations(pocket, language)[0]
    assert (row["premise"][language], hypotheses[language]) == pairs([first])[0]
    paws = load_dataset(
        str(pocket / "hub" / "paws-x"), language, split="validation", cache_dir=str(tmp_path)
    )
    assert paws.column_names == ["id", "sentence1", "sentence2", "label"]


def test_hypothesis_and_pattern_tell_nothing(sources):
    for items in sources.corpora.xnli.values():
        seen = Counter()
        for one in items:
            seen[(one.hypothesis, one.edited, len(one.premise)), one.label] += 1
        for (frame, _), count in seen.items():
            assert all(seen[frame, label] == count for label in range(3))


def test_every_pair_differs_and_edits_are_blind_to_the_label(sources):
    items = [one for split in XNLI_SPLITS for one in sources.corpora.xnli[split]]
    by_name = sources.grammar.lexicon.by_name
    for one in items:
        assert one.edited
        premise = {by_name[phrase.concept].slot: phrase for phrase in one.premise}
        hypothesis = {by_name[phrase.concept].slot: phrase for phrase in one.hypothesis}
        assert set(hypothesis) <= set(premise)
        assert {slot for slot in hypothesis if premise[slot] != hypothesis[slot]} == set(one.edited)
    for label in range(3):
        share = [len(one.edited) == 2 for one in items if one.label == label]
        assert sum(share) / len(share) == pytest.approx(0.3, abs=0.05)


def test_the_label_is_what_the_lexicon_says(sources):
    by_name = sources.grammar.lexicon.by_name
    for one in sources.corpora.xnli["test"]:
        premise = {by_name[phrase.concept].slot: phrase for phrase in one.premise}
        relations = set()
        for phrase in one.hypothesis:
            word = by_name[phrase.concept]
            if premise[word.slot] == phrase:
                continue
            assert not premise[word.slot].negated
            other = by_name[premise[word.slot].concept]
            if other.incompatible_set != word.incompatible_set:
                relations.add(NEUTRAL)
            elif (other.value == word.value) == phrase.negated:
                relations.add(CONTRADICTION)
            if other.value == word.value:
                assert other.kind_of == word.name or not word.kind_of
        assert relations <= {one.label}
        assert (one.label == ENTAILMENT) == (not relations)


def test_negation_turns_entailment_and_contradiction_around(sources):
    negated = [
        (one.label, phrase.concept, other)
        for one in sources.corpora.xnli["train"]
        for phrase in one.hypothesis
        if len(one.edited) == 1 and phrase.negated and phrase not in one.premise
        for other in one.premise
        if by_slot(sources, other) == by_slot(sources, phrase)
    ]
    value = {one.name: one.value for one in sources.grammar.lexicon.concepts}
    shares = Counter((label, value[word] == value[other.concept]) for label, word, other in negated)
    assert shares[CONTRADICTION, True] > 5
    assert shares[ENTAILMENT, True] == shares[CONTRADICTION, False] == 0


def by_slot(sources, phrase):
    return sources.grammar.lexicon.by_name[phrase.concept].slot


def test_pretraining_text_holds_no_pair_of_a_split(sources):
    grammar, held_out = sources.grammar, sources.corpora.pairs
    texts = {
        (grammar.fragment(premise, code), grammar.fragment(hypothesis, code))
        for premise, hypothesis in held_out
        for code in grammar.languages
    }
    before, after = schedule(grammar)
    for number, phase in enumerate((*before, *after)):
        lines = draw_lines(grammar, held_out, Random(number), phase.mixture)
        dialogues = 0
        for line in islice(lines, 6000):
            if line.pair is None:
                continue
            assert line.pair not in held_out
            assert line.pair[::-1] not in held_out
            premise, hypothesis = (grammar.fragment(one, line.language) for one in line.pair)
            assert (premise, hypothesis) not in texts
            # Where phrases change between languages the text is no sentence of either.
            dialogues += premise in line.text and hypothesis in line.text
        assert dialogues > 1000
