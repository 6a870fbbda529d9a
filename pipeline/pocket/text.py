"""The text that the backbone is pretrained on: dialogues, translations and plain sentences.

A dialogue states a premise, asks whether a hypothesis holds and gives the answer, in the very
shapes of the methods' templates. No pair of a split is ever one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pipeline.params.runs import LABELS
from pipeline.pocket.corpus import Pair
from pipeline.pocket.grammar import Grammar, Phrase, Sentence
from pipeline.pocket.items import (
    CORE,
    EXTRA_MODIFIER,
    MODIFIERS,
    NEGATED,
    Item,
    draw_frame,
    draw_item,
    draw_sentence_slots,
)
from pipeline.pocket.lexicon import SLOTS

LONGEST_FILLER = 6
QUESTION_RATE = 0.15
RIGHT_WRONG_RATE = 0.04
MASK_RATE = 0.1
NOISE = 0.1
"""How many answers of the languages other than English are drawn at random."""

ENGLISH_ANSWERS = 0.2
"""How many answers are in English, whatever the dialogue is in.

With none, Spanish, whose "no" is the English one, answers nothing else of the English words.
"""


@dataclass(frozen=True)
class Segment:
    """A stretch of a line.

    Attributes:
        text: what stands there; "" for fillers and for a boundary.
        mask: how probably each piece is masked and predicted.
        fillers: so many random pieces, which take the place of a soft prompt.
        boundary: the two separators between the parts of a pair.
    """

    text: str = ""
    mask: float = 0.0
    fillers: int = 0
    boundary: bool = False


@dataclass(frozen=True)
class Line:
    """One line of pretraining text, and the pair that it is a dialogue about."""

    language: str
    segments: tuple[Segment, ...]
    pair: Pair | None = None

    @property
    def text(self) -> str:
        """The line as one string; fillers are left out."""
        return " ".join(one.text for one in self.segments if one.text)


@dataclass(frozen=True)
class Mixture:
    """What a phase of pretraining reads.

    Attributes:
        languages: language -> weight.
        fragments: the share of dialogues about fragments of a sentence.
        phrases: how many phrases a fragment has, each number as likely as the others.
        fillers: the share of dialogues with random pieces before the answer.
        dialogues: the share of dialogues.
        parallel: the share of a sentence beside its translation.
        switched: the share of dialogues whose phrases change between English and another
            language. What remains are plain sentences.
    """

    languages: dict[str, float]
    fragments: float
    phrases: tuple[int, ...]
    fillers: float
    dialogues: float
    parallel: float
    switched: float


def draw_lines(
    grammar: Grammar, held_out: frozenset[Pair], rng: Random, mixture: Mixture
) -> Iterator[Line]:
    """Draw lines without end.

    Args:
        grammar: the languages.
        held_out: pairs that no dialogue may be about, in either order.
        rng: the generator of every draw.
        mixture: how much of what.
    """
    languages, weights = tuple(mixture.languages), tuple(mixture.languages.values())
    while True:
        language = rng.choices(languages, weights)[0]
        kind = rng.random() - mixture.dialogues
        if kind < 0:
            item = _item(grammar, held_out, rng, mixture)
            yield _dialogue(grammar, rng, language, item, fillers=mixture.fillers)
        elif kind < mixture.parallel:
            yield _parallel(grammar, rng, language)
        elif kind < mixture.parallel + mixture.switched:
            item = _item(grammar, held_out, rng, mixture)
            yield _switched_dialogue(grammar, rng, language, item)
        else:
            text = grammar.sentence(_sentence(grammar, rng), language)
            yield Line(language, (Segment(text, mask=MASK_RATE),))


def _dialogue(grammar: Grammar, rng: Random, language: str, item: Item, *, fillers: float) -> Line:
    rules = grammar.languages[language]
    label = item.label
    if language != "en" and rng.random() < NOISE:
        label = rng.randrange(len(LABELS))
    answers = grammar.languages["en"] if rng.random() < ENGLISH_ANSWERS else rules
    answer = answers.answers[label]
    if language == "en" and rng.random() < RIGHT_WRONG_RATE:
        answer = ("right", "maybe", "wrong")[label]
    premise = grammar.fragment(item.premise, language)
    hypothesis = grammar.fragment(item.hypothesis, language)
    segments: tuple[Segment, ...]
    if rng.random() < QUESTION_RATE:
        segments = (
            Segment(premise + rules.end),
            Segment(boundary=True),
            Segment(f"{rules.question}: {hypothesis}? {rules.answer}:"),
            Segment(answer, mask=1.0),
        )
    else:
        # The closing sign of these languages is no ASCII punctuation, so templates keep it.
        end = rules.end if rules.end != "." else ""
        slots = rng.randint(1, LONGEST_FILLER) if rng.random() < fillers else 0
        segments = _cloze(premise + end, hypothesis + end, answer, fillers=slots)
    return Line(language, segments, (item.premise, item.hypothesis))


def _cloze(premise: str, hypothesis: str, answer: str, *, fillers: int) -> tuple[Segment, ...]:
    return (
        Segment(f"{premise} . {hypothesis} ?"),
        Segment(fillers=fillers),
        Segment(answer, mask=1.0),
        Segment("."),
    )


def _item(grammar: Grammar, held_out: frozenset[Pair], rng: Random, mixture: Mixture) -> Item:
    while True:
        label = rng.randrange(len(LABELS))
        slots, extra = draw_sentence_slots(rng), EXTRA_MODIFIER
        if rng.random() < mixture.fragments:
            count = rng.choice(mixture.phrases)
            slots = tuple(sorted(rng.sample(SLOTS, count), key=SLOTS.index))
            extra = 0.2
        frame = draw_frame(grammar.lexicon, rng, slots=slots, extra=extra)
        item = draw_item(grammar.lexicon, rng, frame, label)
        pair = (item.premise, item.hypothesis)
        if pair not in held_out and pair[::-1] not in held_out:
            return item


def _sentence(grammar: Grammar, rng: Random) -> Sentence:
    modifiers = rng.sample(MODIFIERS, rng.choice((1, 2)))
    slots = sorted((*CORE, *modifiers), key=SLOTS.index)
    phrases = []
    for slot in slots:
        values = rng.choice(tuple(grammar.lexicon.sets[slot].values()))
        concept = rng.choice(rng.choice(tuple(values.values())))
        phrases.append(Phrase(concept, slot in MODIFIERS and rng.random() < NEGATED))
    return tuple(phrases)


def _parallel(grammar: Grammar, rng: Random, language: str) -> Line:
    """A sentence in English and in the language, in a drawn order, each partly masked."""
    sentence = _sentence(grammar, rng)
    both = [grammar.sentence(sentence, "en"), grammar.sentence(sentence, language)]
    rng.shuffle(both)
    first, second = (Segment(text, mask=MASK_RATE) for text in both)
    return Line(language, (first, Segment(boundary=True), second))


def _switched_dialogue(grammar: Grammar, rng: Random, language: str, item: Item) -> Line:
    """A dialogue in the order of the language, each phrase and the answer in it or in English."""
    premise, hypothesis = (
        _switched(grammar, rng, language, sentence) for sentence in (item.premise, item.hypothesis)
    )
    answer = grammar.languages[rng.choice(("en", language))].answers[item.label]
    segments = _cloze(premise, hypothesis, answer, fillers=0)
    return Line(language, segments, (item.premise, item.hypothesis))


def _switched(grammar: Grammar, rng: Random, language: str, sentence: Sentence) -> str:
    by_slot, feminine = grammar.by_slot(sentence), grammar.is_feminine(sentence)
    return " ".join(
        grammar.phrase(by_slot[slot], rng.choice(("en", language)), feminine=feminine)
        for slot in grammar.languages[language].order
        if slot in by_slot
    )
