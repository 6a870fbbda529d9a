import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pipeline.backbone.tokens import load_pieces
from pipeline.languages import LANGUAGES
from pipeline.params.runs import Piece
from pipeline.prompting import template as templates
from pipeline.prompting.forms import strip_punctuation
from pipeline.prompting.template import (
    ClozeTemplate,
    GluedTemplate,
    NoRoomError,
    PairTemplate,
    QuestionTemplate,
    UniversalTemplate,
)
from pipeline.prompting.verbalizer import label_word_ids
from tests import toys
from tests.real_data import ME5, needs


@pytest.fixture(
    scope="module", params=[toys.SPECIALS, toys.OTHER_SPECIALS], ids=["xlm-r", "other ids"]
)
def tokenizer(request):
    return toys.tokenizer(specials=request.param)


@pytest.fixture(scope="module")
def pieces(tokenizer):
    return toys.pieces(tokenizer)


def written(row, tokenizer):
    """Return a row as text: slots as p1, p2, ..., and pieces joined to words."""
    tokens = [f" p{-i}" if i < 0 else tokenizer.convert_ids_to_tokens(i) for i in row.ids]
    text = "".join(f" {token}" if token[0] == "<" else token for token in tokens)
    return " ".join(text.replace("▁", " ").split())


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("prefix", "<s> p1 p2 a dog runs . the cat sleeps ? <mask> . </s>"),
        ("midfix", "<s> a dog runs . p1 p2 the cat sleeps ? <mask> . </s>"),
        ("suffix", "<s> a dog runs . the cat sleeps ? p1 p2 <mask> . </s>"),  # the paper's
        ("endfix", "<s> a dog runs . the cat sleeps ? <mask> p1 p2 . </s>"),
    ],
)
def test_cloze_puts_the_prompt_where_equation_9_says(pieces, tokenizer, position, expected):
    template = ClozeTemplate(pieces, position=position, prompt_length=2, max_length=64)
    (row,) = template.rows(["a dog runs."], ["the cat sleeps?!"], prompt=1)
    assert written(row, tokenizer) == expected
    assert row.ids[row.read_at] == tokenizer.mask_token_id
    assert row.prompt == 1


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("prefix", "<s> p1 p2 a dog runs . Question: the cat sleeps ? Answer: <mask> . </s>"),
        ("midfix", "<s> a dog runs . p1 p2 Question: the cat sleeps ? Answer: <mask> . </s>"),
        ("suffix", "<s> a dog runs . Question: the cat sleeps ? Answer: p1 p2 <mask> . </s>"),
        ("endfix", "<s> a dog runs . Question: the cat sleeps ? Answer: <mask> p1 p2 . </s>"),
    ],
)
def test_words_stand_before_the_hypothesis_and_after_its_mark(
    pieces, tokenizer, position, expected
):
    words = ("Question:", "Answer:")
    options = {"position": position, "prompt_length": 2, "max_length": 64}
    (row,) = ClozeTemplate(pieces, words=words, **options).rows(["a dog runs."], ["the cat sleeps"])
    assert written(row, tokenizer) == expected
    assert row.ids[row.read_at] == tokenizer.mask_token_id


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "<s>a dog runs.</s></s>Question: the cat? Answer:<mask></s>"),
        ("de", "<s>a dog runs.</s></s>Frage: the cat? Antwort:<mask></s>"),
        ("zh", "<s>a dog runs.</s></s>问题: the cat? 答案:<mask></s>"),
    ],
)
def test_question_template_has_the_words_of_its_language(pieces, tokenizer, language, expected):
    template = QuestionTemplate(pieces, language=language, max_length=64)
    (row,) = template.rows(["a dog runs."], ["the cat."])
    assert tokenizer.convert_ids_to_tokens(row.ids) == tokenizer.tokenize(expected)
    assert row.ids[row.read_at] == tokenizer.mask_token_id


# The texts in the code of PCT's authors, with the hypothesis in place of {}.
GLUED = {
    "ar": "<mask>:سؤال:{}؟ الجواب",
    "bg": "въпрос: {}? Отговор:<mask>",
    "de": "frage:{}? Antwort:<mask>",
    "el": "ερώτηση:{}? Απάντηση:<mask>",
    "en": "question:{}? Answer:<mask>",
    "es": "pregunta:{}? Respuesta:<mask>",
    "fr": "question:{}? réponse:<mask>",
    "hi": "प्रश्न:{}? उत्तर:<mask>",
    "ru": "вопрос:{}? Ответ:<mask>",
    "sw": "swali: {}? Jibu: <mask>",
    "th": "คำถาม:{}? คำตอบ:<mask>",
    "tr": "soru:{}? Cevap:<mask>",
    "ur": "<mask>:سوال: {}؟ جواب",
    "vi": "câu hỏi:{}? Trả lời:<mask>",
    "zh": "问题:{}? 答案:<mask>",
}


def assert_is_one_text(pieces, tokenizer, language):
    """Compare with the text as a whole, in the second place of the tokenizer's own pair."""
    template = GluedTemplate(pieces, language=language, max_length=128)
    text = GLUED[language].replace(" <mask>", "<mask>")  # XLM-R's mask takes the space before it
    for hypothesis in ("They all left.", "she - ran ", "...", "他走了。"):
        (row,) = template.rows([" A dog runs. "], [hypothesis])
        whole = tokenizer("A dog runs.", text.format(hypothesis))["input_ids"]
        assert list(row.ids) == whole
        assert row.ids[row.read_at] == tokenizer.mask_token_id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_glued_template_is_the_authors_text_tokenized_as_a_whole(pieces, tokenizer, language):
    assert_is_one_text(pieces, tokenizer, language)


@needs(ME5)
def test_the_glued_template_and_its_label_pieces_in_pieces_of_xlm_r():
    tokenizer, pieces = AutoTokenizer.from_pretrained(ME5), load_pieces(ME5)
    for language in GLUED:
        assert_is_one_text(pieces, tokenizer, language)
    (row,) = GluedTemplate(pieces, language="ar", max_length=128).rows(["A"], ["They left."])
    shown = "<s> ▁A </s> </s> <mask> ▁: س ؤ ال : The y ▁left . ؟ ▁ال جواب </s>"
    assert " ".join(pieces.shown(row.ids)) == shown
    words = [Piece(piece=text) for text in ("yes", "may", "no")]
    assert pieces.shown(label_word_ids(pieces, words, place="here")) == ["yes", "may", "no"]
    assert pieces.id_of("maybe") is None


@pytest.mark.parametrize(
    ("premise", "expected"),
    [("a dog runs.", "a dog runs."), ("a dog runs!", "a dog runs!"), ("a dog runs?", "a dog runs?"),
     ("a dog runs", "a dog runs ."), ("a dog 5", "a dog 5 ."), ("a dog runs . ", "a dog runs ."),
     ("a dog runs \n", "a dog runs ."), ("a dog)", "a dog)"), ("一只狗。", "一只狗。"),
     ("一只狗", "一只狗"), ("कुत्ता।", "कुत्ता।"), ("ein Café", "ein Café"), ("", ""), ("  ", "")],
)  # fmt: skip
def test_a_premise_gets_a_stop_after_a_letter_or_digit_of_ascii(pieces, premise, expected):
    template = UniversalTemplate(pieces, max_length=1000)
    (row,) = template.rows([premise], ["the cat"])
    start = pieces.frame.start + pieces.word(expected) + pieces.frame.end
    assert row.ids[: len(start)] == start


@pytest.mark.parametrize(
    ("hypothesis", "expected"),
    [("the cat.", "the cat?"), ("the cat!", "the cat?"), ("the cat?", "the cat?"),
     ("the cat", "the cat ?"), ("the cat . ", "the cat ?"), ("the cat. ", "the cat?"),
     ("the cat?!", "the cat??"), ("the cat)", "the cat) ?"), ("他走了。", "他走了。 ?"),
     ("वह गया।", "वह गया। ?"), (".", "?"), ("", "?"), ("  ", "?")],
)  # fmt: skip
def test_a_question_mark_takes_the_place_of_a_stop_or_follows(pieces, hypothesis, expected):
    template = UniversalTemplate(pieces, max_length=1000)
    (row,) = template.rows(["a dog."], [hypothesis])
    frame = pieces.frame
    end = frame.end + pieces.word(expected) + pieces.word("<mask> .") + frame.end
    assert row.ids[-len(end) :] == end


def test_the_universal_template_has_one_separator_and_no_word(pieces, tokenizer):
    (row,) = UniversalTemplate(pieces, max_length=64).rows(["a dog runs"], ["the cat."], prompt=3)
    assert written(row, tokenizer) == "<s> a dog runs . </s> the cat? <mask> . </s>"
    assert row.ids[row.read_at] == tokenizer.mask_token_id
    assert row.prompt == 3


def test_pair_template_is_the_tokenizers_own_pair(pieces, tokenizer):
    (row,) = PairTemplate(pieces, max_length=64).rows(["a dog runs."], ["the cat"])
    assert list(row.ids) == tokenizer("a dog runs.", "the cat")["input_ids"]
    assert row.read_at == 0


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [("A dog.", "A dog"), ("A dog?!) ", "A dog"), ("...", "..."), ("。", "。"),
     ("Ein Hund。", "Ein Hund。"), ("No. 5", "No. 5"), (" wait -- ", "wait"),
     ("Un chien\u00a0?", "Un chien")],
)  # fmt: skip
def test_trailing_ascii_punctuation_is_stripped_unless_nothing_would_be_left(sentence, expected):
    assert strip_punctuation(sentence) == expected


TEXT = st.text(alphabet=string.ascii_lowercase + " .?", max_size=80)
KINDS = {
    "cloze": (ClozeTemplate, {"position": "suffix", "prompt_length": 4}),
    "question": (QuestionTemplate, {"language": "sw"}),
    "pair": (PairTemplate, {}),
}


@given(premise=TEXT, hypothesis=TEXT, length=st.integers(20, 40))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("kind", KINDS)
def test_truncation_never_cuts_prompt_mask_or_literals(pieces, kind, premise, hypothesis, length):
    template, options = KINDS[kind]
    short = template(pieces, max_length=length, **options)
    (cut,) = short.rows([premise], [hypothesis])
    (bare,) = short.rows([""], [""])
    (whole,) = template(pieces, max_length=1000, **options).rows([premise], [hypothesis])
    assert len(cut.ids) == min(length, len(whole.ids))
    # Everything but the sentences is kept, in its order.
    rest = iter(cut.ids)
    assert all(piece in rest for piece in bare.ids)
    assert (cut.ids[cut.read_at] == pieces.mask) == (kind != "pair")
    assert [i for i in cut.ids if i < 0] == ([-1, -2, -3, -4] if kind == "cloze" else [])


@given(premise=TEXT, hypothesis=TEXT, length=st.integers(60, 90))
@example(premise="?" * 33, hypothesis="", length=60)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("language", ["de", "ur"])
def test_only_the_sentences_are_cut(pieces, language, premise, hypothesis, length):
    start, end = GLUED[language].replace("<mask>", "").split("{}")
    cut, whole = (
        GluedTemplate(pieces, language=language, max_length=most).rows([premise], [hypothesis])[0]
        for most in (length, 1000)
    )
    # Without a hypothesis, the literals around it may share a piece; then one less is kept.
    assert min(length, len(whole.ids)) - len(cut.ids) in {0, 0 if hypothesis.strip() else 1}
    assert cut.ids[cut.read_at] == pieces.mask
    first, last = len(pieces.word(start)) + 3, len(pieces.word(end)) + 1
    texts = [row.ids[row.ids.index(pieces.frame.between[0]) :] for row in (cut, whole)]
    assert texts[0][:first] == texts[1][:first]
    assert texts[0][-last:] == texts[1][-last:]


@given(premise=TEXT, hypothesis=TEXT, length=st.integers(20, 40))
@settings(max_examples=60, deadline=None)
def test_the_universal_template_keeps_its_marks(pieces, premise, hypothesis, length):
    cut, whole = (
        UniversalTemplate(pieces, max_length=most).rows([premise], [hypothesis])[0]
        for most in (length, 1000)
    )
    texts = []
    for row in (cut, whole):
        assert row.ids[row.read_at :] == pieces.word("<mask> .") + pieces.frame.end
        middle = row.ids.index(pieces.frame.end[0])
        texts.append((row.ids[1:middle], row.ids[middle + 1 : row.read_at]))
    assert len(cut.ids) <= length
    assert len(cut.ids) >= min(length - (not texts[1][0]), len(whole.ids))
    for short, text in zip(*texts, strict=True):
        assert short[-1:] == text[-1:]
        assert short[:-1] == text[: max(0, len(short) - 1)]


def test_cloze_cuts_the_end_of_the_hypothesis_first():
    assert templates.cut_hypothesis([1, 2, 3], [4, 5, 6], 5) == ([1, 2, 3], [4, 5])
    assert templates.cut_hypothesis([1, 2, 3], [4, 5, 6], 2) == ([1, 2], [])


PIECES = st.lists(st.integers(), max_size=30)


@given(premise=PIECES, hypothesis=PIECES, room=st.integers(0, 60))
def test_the_longer_sentence_is_cut_piece_by_piece(premise, hypothesis, room):
    p, h = list(premise), list(hypothesis)
    while len(p) + len(h) > room:
        (p if len(p) > len(h) else h).pop()
    assert templates.cut_longer(premise, hypothesis, room) == (p, h)


def test_no_room_for_text_is_refused(pieces):
    line = "expected room for two pieces of text beside the template's 10 tokens, found 9"
    with pytest.raises(NoRoomError, match=line):
        ClozeTemplate(pieces, position="suffix", prompt_length=4, max_length=9)
