"""The text that the backbone is pretrained on: dialogues, translations and plain sentences.

A dialogue states a premise, asks whether a hypothesis holds and gives the answer, in exactly the
form of the methods' templates. Pairs of the splits never occur in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pipeline.params.runs import LABELS
from pipeline.pocket import items
from pipeline.pocket.grammar import Grammar, Sentence, is_feminine
from pipeline.pocket.items import Item, Pair
from pipeline.pocket.lexicon import SLOTS

LONGEST_FILLER = 6
QUESTION_RATE = 0.15
RIGHT_WRONG_RATE = 0.04
MASK_RATE = 0.1
FRAGMENT_MODIFIER = 0.2  # EXTRA_MODIFIER of fragments
NOISE = 0.1  # random answers in languages other than English
ENGLISH_ANSWERS = 0.2  # in any language; without them, Spanish would answer only "no"


@dataclass(frozen=True)
class Segment:
    """A part of a line."""

    text: str = ""
    mask: float = 0.0  # the probability that a piece is masked and predicted
    fillers: int = 0  # random pieces in place of a soft prompt, instead of text


BOUNDARY = Segment("</s></s>")  # between the parts of a pair


@dataclass(frozen=True)
class Line:
    """One line of pretraining text, and the pair that a dialogue is about."""

    language: str
    segments: tuple[Segment, ...]
    pair: Pair | None = None


@dataclass(frozen=True)
class Mixture:
    """What a phase of pretraining reads, as shares of its lines; the rest are plain sentences."""

    languages: dict[str, float]  # weights
    fragments: float  # the share of dialogues about fragments of a sentence
    phrases: tuple[int, ...]  # the possible numbers of phrases in a fragment, equally likely
    fillers: float = 0.0  # the share of dialogues with random pieces before the answer
    dialogues: float = 1.0  # in one language
    parallel: float = 0.0  # sentences next to their translation
    switched: float = 0.0  # dialogues that switch between English and another language


@dataclass(frozen=True)
class Text:
    """The pretraining text of a phase; no dialogue is about a held-out pair, in either order."""

    grammar: Grammar
    held_out: frozenset[Pair]
    rng: Random
    mixture: Mixture

    def lines(self) -> Iterator[Line]:
        """Draw lines without end."""
        mixture = self.mixture
        languages, weights = tuple(mixture.languages), tuple(mixture.languages.values())
        while True:
            language = self.rng.choices(languages, weights)[0]
            kind = self.rng.random() - mixture.dialogues
            if kind < 0:
                yield self._dialogue(language)
            elif kind < mixture.parallel:
                yield self._parallel(language)
            elif kind < mixture.parallel + mixture.switched:
                yield self._switched_dialogue(language)
            else:
                text = self.grammar.sentence(self._sentence(), language)
                yield Line(language, (Segment(text, mask=MASK_RATE),))

    def _dialogue(self, language: str) -> Line:
        rng, rules, item = self.rng, self.grammar.languages[language], self._item()
        label = item.label
        if language != "en" and rng.random() < NOISE:
            label = rng.randrange(len(LABELS))
        spoken = "en" if rng.random() < ENGLISH_ANSWERS else language
        answer = self.grammar.languages[spoken].answers[label]
        if language == "en" and rng.random() < RIGHT_WRONG_RATE:
            answer = ("right", "maybe", "wrong")[label]
        premise, hypothesis = (self.grammar.fragment(text, language) for text in item.pair)
        # Templates strip only ASCII punctuation, so other full stops remain.
        end = rules.end if rules.end != "." else ""
        if rng.random() < QUESTION_RATE:
            question = Segment(f"{rules.question}: {hypothesis}? {rules.answer}:")
            answered = (question, Segment(answer, mask=1.0))
            return Line(language, (Segment(premise + rules.end), BOUNDARY, *answered), item.pair)
        filled = rng.random() < self.mixture.fillers
        fillers = rng.randint(1, LONGEST_FILLER) if filled else 0
        segments = _cloze(premise + end, hypothesis + end, answer, fillers=fillers)
        return Line(language, segments, item.pair)

    def _switched_dialogue(self, language: str) -> Line:
        """Draw each phrase, and the answer, from English or from the language, in its order."""
        grammar, item = self.grammar, self._item()

        def either() -> str:
            return self.rng.choice(("en", language))

        def switched(sentence: Sentence) -> str:
            feminine, phrases = is_feminine(sentence), grammar.ordered(sentence, language)
            return " ".join(grammar.phrase(each, either(), feminine=feminine) for each in phrases)

        premise, hypothesis = map(switched, item.pair)
        answer = grammar.languages[either()].answers[item.label]
        return Line(language, _cloze(premise, hypothesis, answer, fillers=0), item.pair)

    def _parallel(self, language: str) -> Line:
        """Draw a sentence in English and the language, in random order, both partly masked."""
        sentence = self._sentence()
        texts = [self.grammar.sentence(sentence, code) for code in ("en", language)]
        self.rng.shuffle(texts)
        first, second = (Segment(text, mask=MASK_RATE) for text in texts)
        return Line(language, (first, BOUNDARY, second))

    def _item(self) -> Item:
        lexicon, rng = self.grammar.lexicon, self.rng
        while True:
            label = rng.randrange(len(LABELS))
            slots, extra = items.draw_sentence_slots(rng), items.EXTRA_MODIFIER
            if rng.random() < self.mixture.fragments:
                slots = items.in_order(rng.sample(SLOTS, rng.choice(self.mixture.phrases)))
                extra = FRAGMENT_MODIFIER
            [item] = items.draw_items(lexicon, rng, [label], slots=slots, extra=extra)
            if self.held_out.isdisjoint((item.pair, item.pair[::-1])):
                return item

    def _sentence(self) -> Sentence:
        modifiers = self.rng.sample(items.MODIFIERS, self.rng.choice((1, 2)))
        slots = items.in_order((*items.CORE, *modifiers))
        return tuple(items.draw_phrase(self.grammar.lexicon, self.rng, slot) for slot in slots)


def _cloze(premise: str, hypothesis: str, answer: str, *, fillers: int) -> tuple[Segment, ...]:
    question, prompt = Segment(f"{premise} . {hypothesis} ?"), Segment(fillers=fillers)
    return question, prompt, Segment(answer, mask=1.0), Segment(".")
