"""Which translations are refused, and which are not."""

import pandas as pd
import pytest

from pipeline.corpora.leaks import sentences_by_language
from pipeline.corpora.pairs import read_paws_x
from pipeline.params.text import PairSource
from pipeline.translation import checks
from pipeline.translation.checks import Checks, has_letters
from pipeline.translation.sentences import Sentence
from tests import real_data
from tests.translation.projects import ALL, examples
from tests.translation_server import rendering

SOURCE = "In 1951 Peter Waiting moved to Paris and worked there as a painter."
HUMAN = {
    "de": "1951 zog Peter Waiting nach Paris und arbeitete dort als Maler.",
    "sw": "Mwaka 1951 Peter Waiting alihamia Paris na kufanya kazi huko kama mchoraji.",
    "tr": "Peter Waiting 1951'de Paris'e taşındı ve orada ressam olarak çalıştı.",
    "vi": "Năm 1951, Peter Waiting chuyển đến Paris và làm họa sĩ ở đó.",
    "ru": "В 1951 году Питер Уэйтинг переехал в Париж и работал там художником.",
    "ar": "في عام 1951 انتقل بيتر ويتينج إلى باريس وعمل هناك رساما.",
    "hi": "1951 में पीटर वेटिंग पेरिस चले गए और वहाँ एक चित्रकार के रूप में काम किया।",
    "th": "ในปี 1951 Peter Waiting ย้ายไปปารีสและทำงานเป็นจิตรกรที่นั่น",
    "zh": "1951年，Peter Waiting搬到巴黎，在那里当画家。",
}


HELD_OUT = sentences_by_language(examples(ALL))


def check(language, translation, source=SOURCE, lengths=None):
    sentence = Sentence("train-0", "premise", language, source)
    return Checks(lengths or {}, held_out=HELD_OUT)(sentence, translation)


@pytest.mark.parametrize("language", HUMAN)
def test_a_translation_is_clean(language):
    assert check(language, HUMAN[language]) is None


@pytest.mark.parametrize("language", ALL)
def test_the_test_servers_own_answers_are_clean(language):
    assert check(language, rendering(SOURCE, language)) is None


@pytest.mark.parametrize("language", ALL)
@pytest.mark.parametrize(
    "echo", [SOURCE, SOURCE.upper(), f"  {SOURCE} ", SOURCE.replace("worked", "работал")]
)
def test_an_echo_is_refused_in_every_language(language, echo):
    assert check(language, echo) in {"echo of the source", "wrong script"}


@pytest.mark.parametrize("language", HUMAN)
@pytest.mark.parametrize("other", HUMAN)
def test_another_languages_script_is_refused(language, other):
    latin = {"de", "sw", "tr", "vi"}
    if language != other and not {language, other} <= latin:
        assert check(language, HUMAN[other]) == "wrong script"


@pytest.mark.parametrize("language", ALL)
@pytest.mark.parametrize(
    "page",
    [
        "Error 500 (Server Error)!!1500.That’s an error.There was an error. Please try again.",
        "Error 500 (Server Error)",
        "502 Bad Gateway",
        "Our systems have detected unusual traffic from your computer network.",
        "MYMEMORY WARNING: YOU USED ALL AVAILABLE FREE TRANSLATIONS FOR TODAY.",
        "'XX' IS AN INVALID TARGET LANGUAGE . EXAMPLE: LANGPAIR=EN|IT",
    ],
)
def test_error_pages_are_refused(language, page):
    assert check(language, page) == "error page"


@pytest.mark.parametrize(
    ("language", "translation", "reason"),
    [
        ("de", "", "no text"),
        ("zh", " \n", "no text"),
        ("de", "1951 zog Peter", "length out of bounds"),
        ("zh", "他。", "length out of bounds"),
        ("de", " ".join([HUMAN["de"]] * 4), "length out of bounds"),
        ("de", HUMAN["de"].replace("dort als", "dortAls"), "glued words"),
        ("de", HUMAN["de"].replace("Paris und", "Paris.Und"), "glued words"),
        ("ru", HUMAN["ru"].replace("Париж и", "ПарижИ"), "glued words"),
        ("de", HUMAN["de"].replace("dort", "<b>dort</b>"), "markup"),
        *(
            ("tr", HUMAN["tr"].replace("'", damage), "markup")
            for damage in (
                "&#39;",
                "&#39",
                "&#x27;",
                "&apos;",
                "&frac12;",
                "&Uuml;",
                "&ouml",
                "<!-- x -->",
                "<![CDATA[x]]>",
                "<?xml?>",
                "<br/>",
            )
        ),
        *(
            ("tr", HUMAN["tr"].replace("'", damage), "damaged characters")
            for damage in ("\ufffd", "\0", "\x1b[0m", "\x85x\x7f", "\ufdd0", "\U0010ffff", "\ud800")
        ),
        ("ru", "Peter Waiting (1951), Paris.", "wrong script"),
        ("de", "Held  OUT de", "length out of bounds"),
    ],
)
def test_bad_translations_are_refused_by_their_reason(language, translation, reason):
    assert check(language, translation) == reason


@pytest.mark.parametrize("text", ["AT&T & Co. &c, R&D; a&b=c", "Fish &chips; 3 < 4 -> 5"])
def test_ampersands_and_signs_that_are_no_markup_pass(text):
    assert check("de", f"{text} {HUMAN['de']}", source=f"{text} {SOURCE}") is None
    assert check("de", f"{text} {HUMAN['de']}", lengths={"de": (0.5, 3)}) is None


def test_entities_are_those_of_the_standard_library():
    assert checks.entities("a&amp;b &lt;i&gt; &#x27; &copy 3 & 4 &xyzzy; &") == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  zwei\u00a0  Räume\n\thier ", "zwei Räume hier"),
        ("Mu\u0308ll", "M\u00fcll"),
        ("\ufeffsoft\u00adhy\u200bphen\u2060 \u200fmark\u202c \u2066x\u2069", "softhyphen mark x"),
        ("क्\u200dष نمی\u200cخواهم", "क्\u200dष نمی\u200cخواهم"),
        ("❤\ufe0f", "❤"),
        ("\u0600١", "\u0600١"),
        ("\0\ufffd stays", "\0\ufffd stays"),
    ],
)
def test_an_answer_is_normalized_once(text, expected):
    assert checks.normalized(text) == expected
    assert checks.normalized(expected) == expected


def test_a_sentence_of_the_test_set_is_refused():
    assert check("de", "held  OUT de", source="Behind the house.") == "sentence of the test set"
    assert check("sw", "held out de", source="Behind the house.") is None


def test_faults_of_the_source_are_allowed():
    source = "McDonald said <b>yes</b>, e.g.again, at Error 404 of 1951, to all of the people."
    translation = "McDonald sagte <b>ja</b>, z.B.erneut, bei Fehler 404 von 1951, allen Leuten."
    assert check("de", translation, source=source) is None


def test_the_bounds_of_a_language_can_be_set():
    assert check("de", HUMAN["de"], lengths={"de": (1.5, 3.0)}) == "length out of bounds"
    assert check("sw", HUMAN["sw"], lengths={"de": (1.5, 3.0)}) is None


def test_punctuation_needs_no_translation():
    assert not has_letters("... — 42 !?")
    assert has_letters("42 ข")


@real_data.needs(real_data.PAWS_X)
@pytest.mark.parametrize("language", ["de", "es", "fr", "zh"])
def test_nearly_all_human_translations_pass_and_no_english_does(language):
    source = PairSource(path=str(real_data.PAWS_X), splits=("test",))
    english, human = (read_paws_x(source, code) for code in ("en", language))
    against = Checks({}, held_out=HELD_OUT)
    pairs = pd.DataFrame({"en": english.premise, "theirs": human.premise})
    pairs = pairs[~pairs.isin(["NS", ""]).any(axis=1)].dropna()
    refused = [
        against(Sentence("x", "premise", language, row.en), row.theirs)
        for row in pairs.itertuples()
    ]
    assert sum(map(bool, refused)) < 0.01 * len(pairs)
    # The other sentence of a pair: nearly the same words in another order.
    for row in english.head(500).itertuples():
        echo = against(Sentence("x", "premise", language, row.premise), row.hypothesis)
        assert echo or len(set(row.hypothesis.split()) - set(row.premise.split())) > 1
