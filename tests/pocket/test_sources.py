import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.languages import LANGUAGES
from pipeline.pocket.grammar import Phrase, read_grammar
from pipeline.pocket.lexicon import SLOTS


def test_shipped_sources_fill_every_slot(grammar):
    concepts = grammar.lexicon.concepts
    assert {concept.slot for concept in concepts} == set(SLOTS)
    assert 50 <= len(concepts) <= 200


@pytest.mark.parametrize(
    ("cell", "value", "message"),
    [
        ((3, "sw"), "", r"row 5: sw: expected some text, found ''"),
        ((3, "slot"), "colour", r"row 5: slot: expected one of subject, .*found 'colour'"),
        ((3, "gender"), "x", r"row 5: gender: expected f or nothing, found 'x'"),
        ((3, "concept"), "man", r"row 5: concept: expected another word than in .*row 2, found"),
        ((3, "de"), "der Mann", r"row 5: de: expected another word than in .*row 2, found"),
        ((3, "kind_of"), "man", r"row 5: kind_of: expected another concept of the same value"),
        ((3, "value"), "neuter", r"row \d+: value: expected a value of two or more concepts"),
        ((12, "hi"), "ख", r"row 14: hi: expected 2 form\(s\) of 'buy'"),
        ((3, "fr"), "a|b", r"row 5: fr: expected 1 form\(s\) of 'lady'"),
    ],
)
def test_error_names_the_wrong_cell(folder, cell, value, message):
    lexicon = pd.read_csv(folder / "lexicon.csv", dtype=str, keep_default_na=False)
    lexicon.loc[cell] = value
    lexicon.to_csv(folder / "lexicon.csv", index=False)
    with pytest.raises(InputError, match=message):
        read_grammar(folder)


def test_error_names_a_missing_column(folder):
    lexicon = pd.read_csv(folder / "lexicon.csv", dtype=str, keep_default_na=False)
    lexicon.drop(columns="th").to_csv(folder / "lexicon.csv", index=False)
    with pytest.raises(InputError, match=r"lexicon\.csv, row 1: expected the columns .*th"):
        read_grammar(folder)


@pytest.mark.parametrize("name", ["lexicon.csv", "grammar.yaml"])
def test_error_names_a_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: expected the (\w+), found no such file"):
        read_grammar(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("verb_forms: 2", "verb_forms: 3", r"grammar\.yaml: ar.verb_forms: .*found 3"),
        ("nicht {}", "nicht", r"grammar\.yaml: de.negation: expected a word and {} for the phrase"),
        ("closeness: near", "closeness: nigh", r"grammar\.yaml: de.closeness: .*found 'nigh'"),
        ('["yes"', '[["yes"', r"grammar\.yaml, line \d+: expected YAML"),
        ("\nzh:", "\nzz:", r"grammar\.yaml: expected one entry for each of .*zh, found .*zz"),
        ("object, place, time], join", "object, place], join", r"bg.order: expected each"),
    ],
)
def test_error_names_the_wrong_rule(folder, old, new, message):
    path = folder / "grammar.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_grammar(folder)


def test_literals_match_the_language_table(grammar):
    for code, rules in grammar.languages.items():
        assert (rules.question, rules.answer) == (LANGUAGES[code].question, LANGUAGES[code].answer)


WOMAN = ("woman", "buy", "new", "quickly", "garden")
MAN = ("man", "buy", "old", "not night")


@pytest.mark.parametrize(
    ("language", "words", "expected"),
    [
        ("en", WOMAN, "The woman buys something new quickly in the garden."),
        ("de", WOMAN, "Die Frau kauft schnell im Garten etwas Neues."),
        ("ar", WOMAN, "المرأة تشتري شيئا جديدا بسرعة في الحديقة."),
        ("hi", WOMAN, "औरत बगीचे में तेज़ी से कुछ नया खरीदती है।"),
        ("ur", WOMAN, "عورت باغ میں تیزی سے کچھ نیا خریدتی ہے۔"),
        ("th", WOMAN, "ผู้หญิงซื้อของใหม่อย่างรวดเร็วในสวน"),
        ("tr", WOMAN, "Kadın bahçede hızla yeni bir şey satın alıyor."),
        ("zh", WOMAN, "女人在花园里快速地买新东西。"),
        ("en", MAN, "The man buys something old not at night."),
        ("ru", MAN, "Мужчина не ночью покупает что-то старое."),
        ("tr", MAN, "Adam geceleyin değil eski bir şey satın alıyor."),
        ("zh", MAN, "男人不是夜里买旧东西。"),
    ],
)
def test_sentences_follow_the_language(grammar, language, words, expected):
    concepts = {concept.name: concept for concept in grammar.lexicon.concepts}
    sentence = tuple(
        Phrase(concepts[word.removeprefix("not ")], negated=word.startswith("not "))
        for word in words
    )
    assert grammar.sentence(sentence, language) == expected
