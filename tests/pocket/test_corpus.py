from collections import Counter
from itertools import islice
from random import Random

import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Translation, TranslationVariableLanguages, load_dataset

from pipeline.pocket import lexicon
from pipeline.pocket.corpus import draw_corpora
from pipeline.pocket.items import CONTRADICTION, ENTAILMENT, NEUTRAL
from pipeline.pocket.pretraining import schedule
from pipeline.pocket.text import Text

CODES = list(lexicon.CODES)
LABELS = ["entailment", "neutral", "contradiction"]


@pytest.fixture(scope="session")
def hub(pocket):
    """Return premises, hypotheses and labels by dataset, language and split.

    The split "translations" is one language of all_languages/train.
    """
    splits = {}
    for path in (pocket / "hub").rglob("*.parquet"):
        dataset, config, name = path.relative_to(pocket / "hub").parts
        columns = list(pq.read_table(path).to_pydict().values())
        if config == "all_languages":
            splits |= {(dataset, code, "translations"): texts(columns, code) for code in CODES}
        else:
            splits[dataset, config, name.partition("-")[0]] = columns[-3:]
    return splits


def texts(columns, code):
    premises, hypotheses, labels = columns
    assert all(row["language"] == CODES for row in hypotheses)
    translations = [row["translation"][CODES.index(code)] for row in hypotheses]
    return [[row[code] for row in premises], translations, labels]


def by_slot(sentence):
    return {phrase.slot: phrase for phrase in sentence}


@pytest.fixture(scope="session")
def items(corpora):
    """Return the XNLI-like items of all splits."""
    return [item for split in corpora.xnli.values() for item in split]


@pytest.mark.parametrize("language", CODES)
def test_splits_are_balanced_and_disjoint_in_every_language(hub, language):
    sizes = {("xnli", "test"): 300, ("xnli", "validation"): 600, ("xnli", "translations"): 2001}
    sizes |= {("paws-x", "test"): 300, ("paws-x", "validation"): 300}
    pairs, sentences = {}, {}
    for (dataset, split), size in sizes.items():
        premises, hypotheses, labels = hub[dataset, language, split]
        assert len(labels) == size
        assert len(set(Counter(labels).values())) == 1
        pairs[dataset, split] = set(zip(premises, hypotheses, strict=True))
        sentences[dataset, split] = {*premises, *hypotheses}
    assert len(set().union(*pairs.values())) == sum(sizes.values())
    tested, validated = (sentences.pop(("xnli", split)) for split in ("test", "validation"))
    assert not tested & validated
    assert not (tested | validated) & set().union(*sentences.values())


@pytest.mark.parametrize("language", CODES)
def test_every_language_has_the_same_items_in_its_own_words(hub, corpora, language):
    def in_words(items):
        sentence = corpora.grammar.sentence
        return [
            [sentence(item.premise, language) for item in items],
            [sentence(item.hypothesis, language) for item in items],
        ]

    for split, items in corpora.xnli.items():
        name = "translations" if split == "train" else split
        labels = [item.label for item in items]
        assert hub["xnli", language, name] == [*in_words(items), labels]
    for split, items in corpora.paws_x.items():
        labels = [int(item.label == ENTAILMENT) for item in items]
        assert hub["paws-x", language, split] == [*in_words(items), labels]


def test_english_is_one_of_all_languages(hub):
    assert hub["xnli", "en", "train"] == hub["xnli", "en", "translations"]


def test_languages_differ(hub):
    assert len({hub["xnli", code, "test"][0][0] for code in CODES}) == len(CODES)


def test_drawing_is_deterministic(corpora):
    assert draw_corpora(corpora.grammar) == corpora


@pytest.mark.parametrize("language", ["en", "sw"])
def test_load_dataset_reads_both(pocket, hub, language, tmp_path):
    def load(dataset, config, split):
        path = str(pocket / "hub" / dataset)
        return load_dataset(path, config, split=split, cache_dir=str(tmp_path))

    label = ClassLabel(names=LABELS)
    assert load("xnli", language, "test").features["label"] == label
    everything = load("xnli", "all_languages", "train")
    assert everything.features == {
        "premise": Translation(languages=CODES),
        "hypothesis": TranslationVariableLanguages(languages=CODES),
        "label": label,
    }
    premises, hypotheses, _ = hub["xnli", language, "translations"]
    row = everything[0]
    translations = dict(zip(*row["hypothesis"].values(), strict=True))
    assert (row["premise"][language], translations[language]) == (premises[0], hypotheses[0])
    paws_x = load("paws-x", language, "validation")
    assert paws_x.column_names == ["id", "sentence1", "sentence2", "label"]


def test_hypothesis_and_pattern_do_not_predict_the_label(corpora):
    for items in corpora.xnli.values():
        counts = Counter(
            ((item.hypothesis, item.edited, len(item.premise)), item.label) for item in items
        )
        for (frame, _), count in counts.items():
            assert all(counts[frame, label] == count for label in range(3))


def test_every_pair_differs_and_edits_do_not_depend_on_the_label(items):
    two_edits = {label: [] for label in range(3)}
    for item in items:
        premise, hypothesis = by_slot(item.premise), by_slot(item.hypothesis)
        assert item.edited
        assert hypothesis.keys() <= premise.keys()
        edited = {slot for slot, phrase in hypothesis.items() if premise[slot] != phrase}
        assert edited == set(item.edited)
        two_edits[item.label].append(len(edited) == 2)
    for drawn in two_edits.values():
        assert sum(drawn) / len(drawn) == pytest.approx(0.3, abs=0.05)


def test_the_lexicon_implies_the_label(items):
    negated_contradictions = 0
    for item in items:
        premise, relations = by_slot(item.premise), set()
        for phrase in item.hypothesis:
            if premise[phrase.slot] == phrase:
                continue
            assert not premise[phrase.slot].negated
            word, other = phrase.concept, premise[phrase.slot].concept
            same = other.value == word.value
            if other.incompatible_set != word.incompatible_set:
                relations.add(NEUTRAL)
            elif same == phrase.negated:
                relations.add(CONTRADICTION)
                negated_contradictions += phrase.negated
            if same:
                assert other.kind_of == word.name or not word.kind_of
        assert relations <= {item.label}
        assert (item.label == ENTAILMENT) == (not relations)
    assert negated_contradictions > 5


def test_pretraining_text_contains_no_pair_of_a_split(corpora):
    grammar, held_out = corpora.grammar, corpora.pairs
    texts = {
        tuple(grammar.fragment(sentence, code) for sentence in pair)
        for pair in held_out
        for code in grammar.languages
    }
    for seed, phase in enumerate(schedule(grammar)):
        dialogues = 0
        for line in islice(Text(grammar, held_out, Random(seed), phase.mixture).lines(), 6000):
            if line.pair is None:
                continue
            assert held_out.isdisjoint((line.pair, line.pair[::-1]))
            pair = tuple(grammar.fragment(sentence, line.language) for sentence in line.pair)
            assert pair not in texts
            text = " ".join(segment.text for segment in line.segments)
            # A dialogue that switches languages contains no sentence of either.
            dialogues += all(sentence in text for sentence in pair)
        assert dialogues > 1000
