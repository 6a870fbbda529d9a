import csv
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.pocket.grammar import Phrase, read_grammar
from pipeline.pocket.lexicon import SLOTS, read_lexicon


@pytest.fixture
def rows(pocket):
    with (pocket / "lexicon.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(rows, folder: Path) -> Path:
    path = folder / "lexicon.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_shipped_sources_fill_every_slot(sources):
    lexicon = sources.grammar.lexicon
    assert {one.slot for one in lexicon.concepts} == set(SLOTS)
    assert 50 <= len(lexicon.concepts) <= 200


@pytest.mark.parametrize(
    ("cell", "value", "message"),
    [
        ((3, "sw"), "", r"row 5: sw: expected some text, found nothing"),
        ((3, "slot"), "colour", r"row 5: slot: expected one of subject, .*found 'colour'"),
        ((3, "gender"), "x", r"row 5: gender: expected f or nothing, found 'x'"),
        (
            (3, "concept"),
            "man",
            r"row 5: concept: expected another word than in row 2, found",
        ),
        (
            (3, "de"),
            "der Mann",
            r"row 5: de: expected another word than in row 2",
        ),
        ((3, "kind_of"), "man", r"row 5: kind_of: expected another concept of the same set"),
        ((3, "value"), "neuter", r"row \d+: value: expected two concepts or more"),
        ((12, "hi"), "ख", r"row 14: hi: expected 2 form\(s\) of 'buy'"),
        ((3, "fr"), "a|b", r"row 5: fr: expected 1 form\(s\) of 'lady'"),
    ],
)
def test_a_wrong_cell_is_named(rows, pocket, tmp_path, cell, value, message):  # noqa: PLR0917
    row, column = cell
    rows[row][column] = value
    path = written(rows, tmp_path)
    with pytest.raises(InputError, match=message):
        read_grammar(pocket / "grammar.yaml", read_lexicon(path))


def test_a_missing_column_is_named(rows, tmp_path):
    for row in rows:
        del row["th"]
    with pytest.raises(InputError, match=r"lexicon\.csv, row 1: expected the columns .*th"):
        read_lexicon(written(rows, tmp_path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"lexicon\.csv: expected the lexicon, found no such"):
        read_lexicon(tmp_path / "lexicon.csv")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("verb_forms: 2", "verb_forms: 3", r"grammar\.yaml: ar.verb_forms: .*found 3"),
        ("nicht {}", "nicht", r"grammar\.yaml: de.negation: expected a word and {} in place"),
        ("closeness: near", "closeness: nigh", r"grammar\.yaml: de.closeness: .*found 'nigh'"),
        ('["yes"', '[["yes"', r"grammar\.yaml, line \d+: expected YAML"),
        ("\nzh:", "\nzz:", r"grammar\.yaml: expected one entry for each of .*zh, found .*zz"),
        (
            "object, place, time], join",
            "object, place], join",
            r"bg.order: expected each",
        ),
    ],
)
def test_a_wrong_grammar_is_named(pocket, sources, tmp_path, old, new, message):  # noqa: PLR0917
    text = (pocket / "grammar.yaml").read_text(encoding="utf-8")
    path = tmp_path / "grammar.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_grammar(path, sources.grammar.lexicon)


def test_literals_are_those_of_the_template_table(sources):
    for code, rules in sources.grammar.languages.items():
        assert (rules.question, rules.answer) == (LANGUAGES[code].question, LANGUAGES[code].answer)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "The woman buys something new quickly in the garden."),
        ("de", "Die Frau kauft schnell im Garten etwas Neues."),
        ("ar", "المرأة تشتري شيئا جديدا بسرعة في الحديقة."),
        ("hi", "औरत बगीचे में तेज़ी से कुछ नया खरीदती है।"),
        ("ur", "عورت باغ میں تیزی سے کچھ نیا خریدتی ہے۔"),
        ("th", "ผู้หญิงซื้อของใหม่อย่างรวดเร็วในสวน"),
        ("tr", "Kadın bahçede hızla yeni bir şey satın alıyor."),
        ("zh", "女人在花园里快速地买新东西。"),
    ],
)
def test_sentences_follow_the_language(sources, language, expected):
    concepts = ("woman", "buy", "new", "quickly", "garden")
    assert sources.grammar.sentence(tuple(map(Phrase, concepts)), language) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "The man buys something old not at night."),
        ("ru", "Мужчина не ночью покупает что-то старое."),
        ("tr", "Adam geceleyin değil eski bir şey satın alıyor."),
        ("zh", "男人不是夜里买旧东西。"),
    ],
)
def test_a_modifier_is_negated(sources, language, expected):
    sentence = (*map(Phrase, ("man", "buy", "old")), Phrase("night", negated=True))
    assert sources.grammar.sentence(sentence, language) == expected
