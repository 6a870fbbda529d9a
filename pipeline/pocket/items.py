"""Items of the miniature: premise, hypothesis and label, with no cue outside their relation.

The hypothesis is drawn first, from one distribution; which of its slots are edited comes next, and
whether the premise has a further modifier; only then does the label decide by which word an edited
slot is replaced. Within a slot a set is drawn first, then a value, then a word: in this way the
words of premises are spread alike under the three labels, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from pipeline.params.runs import LABELS
from pipeline.pocket.grammar import Phrase, Sentence
from pipeline.pocket.lexicon import SLOTS, Lexicon

CORE = ("subject", "verb", "object")
MODIFIERS = ("manner", "place", "time")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
"""Label ids, in the order of blocks.LABELS."""

TWO_EDITS = 0.3
EXTRA_MODIFIER = 0.5
NEGATED = 0.15
"""How many modifiers of a hypothesis are negated."""


@dataclass(frozen=True)
class Item:
    """One pair.

    Attributes:
        premise: phrases of the premise.
        hypothesis: phrases of the hypothesis.
        label: 0, 1 or 2, in the order of blocks.LABELS.
        edited: the slots in which the two differ.
    """

    premise: Sentence
    hypothesis: Sentence
    label: int
    edited: tuple[str, ...]


def draw_sentence_slots(rng: Random) -> tuple[str, ...]:
    """Draw the slots of a hypothesis: subject, verb, object and one modifier."""
    return (*CORE, rng.choice(MODIFIERS))


@dataclass(frozen=True)
class Frame:
    """All of an item that is drawn before its label.

    Attributes:
        hypothesis: slot -> phrase.
        edited: the slots in which the premise will differ.
        decisive: the one of them that the label is about; the others stay entailed.
        extra: slot -> phrase of a modifier that the premise alone has.
    """

    hypothesis: dict[str, Phrase]
    edited: tuple[str, ...]
    decisive: str
    extra: dict[str, Phrase]


def draw_frame(lexicon: Lexicon, rng: Random, *, slots: Sequence[str], extra: float) -> Frame:
    """Draw a hypothesis and what will be edited.

    Args:
        lexicon: the concepts.
        rng: the generator of every draw.
        slots: the slots of the hypothesis.
        extra: how probably the premise has a modifier that the hypothesis has not.
    """
    edits = 2 if len(slots) > 1 and rng.random() < TWO_EDITS else 1
    edited = tuple(sorted(rng.sample(sorted(slots), edits), key=SLOTS.index))
    hypothesis = {
        slot: Phrase(
            _draw_word(lexicon, rng, slot, entailed=slot in edited),
            negated=slot in MODIFIERS and rng.random() < NEGATED,
        )
        for slot in slots
    }
    more = {}
    free = [slot for slot in MODIFIERS if slot not in slots]
    if free and rng.random() < extra:
        slot = rng.choice(free)
        more[slot] = Phrase(_draw_word(lexicon, rng, slot, entailed=False))
    return Frame(hypothesis, edited, rng.choice(edited), more)


def draw_item(lexicon: Lexicon, rng: Random, frame: Frame, label: int) -> Item:
    """Draw the premise that gives a frame its label."""
    premise = frame.hypothesis | frame.extra
    for slot in frame.edited:
        relation = label if slot == frame.decisive else ENTAILMENT
        premise[slot] = _replacement(lexicon, rng, frame.hypothesis[slot], relation)
    return Item(_sequence(premise), _sequence(frame.hypothesis), label, frame.edited)


def draw_paraphrase(lexicon: Lexicon, rng: Random, *, same: bool) -> Item:
    """Draw a pair of sentences of the same slots that mean the same, or do not.

    Only synonyms make a paraphrase, so only slots whose word has a synonym are edited, and none
    that is negated.
    """
    slots = draw_sentence_slots(rng)
    label = ENTAILMENT if same else rng.choice((NEUTRAL, CONTRADICTION))
    while True:
        item = draw_item(lexicon, rng, draw_frame(lexicon, rng, slots=slots, extra=0.0), label)
        phrases = (*item.premise, *item.hypothesis)
        edited = [one for one in phrases if lexicon.by_name[one.concept].slot in item.edited]
        if not any(
            one.negated or lexicon.by_name[one.concept].kind_of or one.concept in lexicon.general
            for one in edited
        ):
            return item


def draw_balanced(
    lexicon: Lexicon, rng: Random, *, per_label: int, avoid: Iterable[Sentence]
) -> list[Item]:
    """Draw distinct items in a drawn order, three labels to each frame.

    A hypothesis comes once under each label, and so does every pattern of edits and modifiers:
    what sees no more than these is at chance exactly, not only in expectation.

    Args:
        lexicon: the concepts.
        rng: the generator of every draw.
        per_label: items of each label.
        avoid: sentences of other splits.
    """
    taken = set(avoid)
    seen: set[tuple[Sentence, Sentence]] = set()
    items: list[Item] = []
    while len(items) < per_label * len(LABELS):
        slots = draw_sentence_slots(rng)
        frame = draw_frame(lexicon, rng, slots=slots, extra=EXTRA_MODIFIER)
        three = [draw_item(lexicon, rng, frame, label) for label in range(len(LABELS))]
        pairs = {(one.premise, one.hypothesis) for one in three}
        if not pairs & seen and not taken & {sentence for pair in pairs for sentence in pair}:
            seen |= pairs
            items += three
    rng.shuffle(items)
    return items


def _draw_word(lexicon: Lexicon, rng: Random, slot: str, *, entailed: bool) -> str:
    incompatible_set = rng.choice(tuple(lexicon.sets[slot]))
    value = rng.choice(tuple(lexicon.sets[slot][incompatible_set]))
    if entailed:
        return rng.choice(lexicon.hypothesis_words(slot, incompatible_set, value))
    return rng.choice(lexicon.sets[slot][incompatible_set][value])


def _replacement(lexicon: Lexicon, rng: Random, phrase: Phrase, relation: int) -> Phrase:
    """Draw the premise's phrase in place of `phrase`, which stands in this relation to it.

    What excludes a concept entails its negation, and what entails it excludes the negation.
    """
    one = lexicon.by_name[phrase.concept]
    if phrase.negated and relation != NEUTRAL:
        relation = ENTAILMENT if relation == CONTRADICTION else CONTRADICTION
    sets = lexicon.sets[one.slot]
    incompatible_set, value = one.incompatible_set, one.value
    if relation == CONTRADICTION:
        value = rng.choice([other for other in sets[incompatible_set] if other != value])
    elif relation == NEUTRAL:
        incompatible_set = rng.choice([other for other in sets if other != incompatible_set])
        value = rng.choice(tuple(sets[incompatible_set]))
    words = lexicon.premise_words(one.slot, incompatible_set, value)
    return Phrase(rng.choice([other for other in words if other != phrase.concept]))


def _sequence(phrases: dict[str, Phrase]) -> Sentence:
    return tuple(phrases[slot] for slot in SLOTS if slot in phrases)
