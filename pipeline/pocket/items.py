"""Items: premise, hypothesis and label, without any cue outside the relation of the two sentences.

The hypothesis is drawn first, always from the same distribution; then the slots to edit, and
whether the premise gets an additional modifier. The label decides only what replaces the word of
an edited slot. Within a slot, a set is drawn first, then a value, then a word, so that the words
of premises are also distributed alike under the three labels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from pipeline.params.runs import LABELS
from pipeline.pocket.grammar import Phrase, Sentence
from pipeline.pocket.lexicon import SLOTS, Group, Lexicon

CORE = ("subject", "verb", "object")
MODIFIERS = ("manner", "place", "time")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(len(LABELS))

TWO_EDITS = 0.3
EXTRA_MODIFIER = 0.5
NEGATED = 0.15  # of the modifiers in a hypothesis

Pair = tuple[Sentence, Sentence]


@dataclass(frozen=True)
class Item:
    """One labelled pair, and the slots in which premise and hypothesis differ."""

    premise: Sentence
    hypothesis: Sentence
    label: int
    edited: tuple[str, ...]

    @property
    def pair(self) -> Pair:
        """Premise and hypothesis."""
        return self.premise, self.hypothesis


def draw_sentence_slots(rng: Random) -> tuple[str, ...]:
    """Draw the slots of a hypothesis: subject, verb, object and one modifier."""
    return (*CORE, rng.choice(MODIFIERS))


def in_order(slots: Iterable[str]) -> tuple[str, ...]:
    """Return slots in the order of SLOTS."""
    return tuple(sorted(slots, key=SLOTS.index))


def draw_phrase(lexicon: Lexicon, rng: Random, slot: str, *, edited: Sequence[str] = ()) -> Phrase:
    """Draw a phrase for a slot; if the slot is edited, one that other concepts entail."""
    group = _draw_group(lexicon, rng, slot)
    if slot in edited:  # the general concept, or any if all are synonyms
        group = [concept for concept in group if concept.name in lexicon.general] or group
    concept = rng.choice(group)
    return Phrase(concept, negated=slot in MODIFIERS and rng.random() < NEGATED)


def draw_items(
    lexicon: Lexicon, rng: Random, labels: Iterable[int], *, slots: Sequence[str], extra: float
) -> list[Item]:
    """Draw one hypothesis with these slots and, for each label, a premise.

    Only the replaced words depend on the label; everything else is drawn once for all items.
    `extra` is the probability that the premises have a modifier that the hypothesis lacks.
    """
    edits = 2 if len(slots) > 1 and rng.random() < TWO_EDITS else 1
    edited = in_order(rng.sample(sorted(slots), edits))
    hypothesis = {slot: draw_phrase(lexicon, rng, slot, edited=edited) for slot in slots}
    common = dict(hypothesis)
    free = [slot for slot in MODIFIERS if slot not in slots]
    if free and rng.random() < extra:
        slot = rng.choice(free)
        common[slot] = Phrase(rng.choice(_draw_group(lexicon, rng, slot)))
    # This slot decides the label; a second edited slot stays entailed.
    decisive = rng.choice(edited)
    items = []
    for label in labels:
        premise = dict(common)
        for slot in edited:
            relation = label if slot == decisive else ENTAILMENT
            premise[slot] = _replacement(lexicon, rng, hypothesis[slot], relation)
        items.append(Item(_sentence(premise), _sentence(hypothesis), label, edited))
    return items


def draw_paraphrase(lexicon: Lexicon, rng: Random, *, same: bool) -> Item:
    """Draw two sentences with the same slots and either the same meaning or another one.

    Only synonyms make a paraphrase, so no edited phrase is negated, a special case or general.
    """
    slots = draw_sentence_slots(rng)
    label = ENTAILMENT if same else rng.choice((NEUTRAL, CONTRADICTION))
    while True:
        [item] = draw_items(lexicon, rng, [label], slots=slots, extra=0.0)
        phrases = [phrase for text in item.pair for phrase in text if phrase.slot in item.edited]
        if not any(
            phrase.negated or phrase.concept.kind_of or phrase.concept.name in lexicon.general
            for phrase in phrases
        ):
            return item


def draw_balanced(
    lexicon: Lexicon, rng: Random, *, per_label: int, avoid: set[Sentence]
) -> list[Item]:
    """Draw distinct items in random order, without the sentences to avoid.

    Every hypothesis, and every pattern of edits and modifiers, occurs once under each label. A
    model that sees only these is exactly at chance.
    """
    pairs: set[Pair] = set()
    items: list[Item] = []
    while len(items) < per_label * len(LABELS):
        slots = draw_sentence_slots(rng)
        three = draw_items(lexicon, rng, range(len(LABELS)), slots=slots, extra=EXTRA_MODIFIER)
        if all(item.pair not in pairs and avoid.isdisjoint(item.pair) for item in three):
            pairs |= {item.pair for item in three}
            items += three
    rng.shuffle(items)
    return items


def _draw_group(lexicon: Lexicon, rng: Random, slot: str) -> Group:
    values = rng.choice(list(lexicon.sets[slot].values()))
    return rng.choice(list(values.values()))


def _replacement(lexicon: Lexicon, rng: Random, phrase: Phrase, relation: int) -> Phrase:
    """Draw the premise's phrase with the given relation to a phrase of the hypothesis."""
    concept = phrase.concept
    sets = lexicon.sets[concept.slot]
    values = sets[concept.incompatible_set]
    if relation == NEUTRAL:
        values = rng.choice([other for other in sets.values() if other is not values])
        group = rng.choice(list(values.values()))
    # Whatever excludes a concept entails its negation; whatever entails it excludes the negation.
    elif (relation == CONTRADICTION) != phrase.negated:
        group = rng.choice([other for value, other in values.items() if value != concept.value])
    else:
        group = values[concept.value]
    # Special cases entail the general concept; synonyms entail each other.
    group = [other for other in group if other.kind_of] or group
    return Phrase(rng.choice([other for other in group if other != concept]))


def _sentence(phrases: dict[str, Phrase]) -> Sentence:
    return tuple(phrases[slot] for slot in in_order(phrases))
