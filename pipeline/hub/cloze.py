"""A quick probe of a backbone's head: the rank of masked words in a few plain sentences."""

import re
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch

from pipeline.backbone.checkpoint import load_backbone
from pipeline.backbone.rows import Row, collate
from pipeline.backbone.tokens import Ids, Pieces, ids_of, load_pieces

SENTENCES = {
    "ar": ("يذهب الطفل [إلى] المدرسة مع أخيه.", "الكتاب [على] الطاولة.",
           "أشرب كوبا [من] الشاي كل صباح."),
    "bg": ("Детето отива на училище [с] брат си.", "Книгата е [на] масата.",
           "Днес вали дъжд [и] улицата е мокра."),
    "de": ("Das Kind geht [mit] seinem Bruder zur Schule.", "Das Buch liegt [auf] dem Tisch.",
           "Heute regnet es, [und] die Straße ist nass."),
    "el": ("Το παιδί πηγαίνει στο σχολείο [με] τον αδελφό του.",
           "Το βιβλίο είναι πάνω [στο] τραπέζι.", "Σήμερα βρέχει [και] ο δρόμος είναι βρεγμένος."),
    "en": ("The child goes to school [with] her brother.", "The book is [on] the table.",
           "I drink a cup [of] tea every morning."),
    "es": ("El niño va a la escuela [con] su hermano.", "El libro está [en] la mesa.",
           "Bebo una taza [de] té cada mañana."),
    "fr": ("L'enfant va à l'école [avec] son frère.", "Le livre est [sur] la table.",
           "Je bois une tasse [de] thé chaque matin."),
    "hi": ("बच्चा अपने भाई [के] साथ स्कूल जाता है।", "किताब मेज [पर] है।", "मैं हर सुबह चाय पीता [हूँ]।"),
    "ru": ("Ребёнок идёт в школу [с] братом.", "Книга лежит [на] столе.",
           "Сегодня идёт дождь, [и] улица мокрая."),
    "sw": ("Mtoto anaenda shuleni pamoja [na] kaka yake.", "Kitabu kiko juu [ya] meza.",
           "Leo mvua inanyesha [na] barabara ni mbaya."),
    "th": ("เด็กไปโรงเรียน[กับ]พี่ชาย", "หนังสืออยู่[บน]โต๊ะ", "วันนี้ฝนตก[และ]ถนนเปียก"),
    "tr": ("Çocuk kardeşi [ile] okula gidiyor.", "Kitap masada, [ama] kalem yok.",
           "Bugün yağmur yağıyor [ve] sokak ıslak."),
    "ur": ("بچہ اپنے بھائی [کے] ساتھ سکول جاتا ہے۔", "کتاب میز [پر] ہے۔",
           "آج بارش ہے [اور] سڑک گیلی ہے۔"),
    "vi": ("Đứa trẻ đi học [với] anh trai.", "Quyển sách ở [trên] bàn.",
           "Hôm nay trời mưa [và] đường ướt."),
}  # fmt: skip
"""Sentences of our own by language; the word in brackets is masked.

None is Chinese, whose pieces in any vocabulary are as short as those of an unknown language.
"""

FEWEST = 5
"""With fewer sentences that the vocabulary knows, nothing is said."""

SHORT = 2
"""A sentence with fewer characters per piece is spelled in letters: the vocabulary lacks it."""


class Probe(NamedTuple):
    """How a head ranks masked words.

    Attributes:
        sentences: how many the vocabulary knows.
        rank: the mean rank of the masked words, 1 for the likeliest piece.
        elsewhere: their mean rank at the masks of the other sentences.
    """

    sentences: int
    rank: float
    elsewhere: float

    @property
    def says_nothing(self) -> bool:
        """Whether the head hardly reads the sentence: at random, both ranks are alike.

        Half of the pieces are no measure: at random too, frequent words may all be likely.
        """
        return self.rank > self.elsewhere / 2

    def __str__(self) -> str:
        """Return the ranks in words."""
        return (
            f"masked words of {self.sentences} sentences: mean rank {self.rank:,.0f}, "
            f"{self.elsewhere:,.0f} at the masks of other sentences"
        )


@torch.inference_mode()
def probe(folder: Path) -> Probe | None:
    """Return how the head of a written backbone ranks masked words.

    None without a head, or if its vocabulary knows too few of the sentences.
    """
    backbone, pieces = load_backbone(folder), load_pieces(folder)
    texts = [text for some in SENTENCES.values() for text in some]
    masked = list(filter(None, (_masked(pieces, text) for text in texts)))
    if not backbone.has_head or len(masked) < FEWEST:
        return None
    rows = [row for row, _ in masked]
    states = backbone.states(collate(rows, pad=pieces.pad, device=torch.device("cpu")))
    logits = backbone.logits(states)
    # The rank of word j at the mask of sentence i.
    ranks = torch.stack([1 + (logits > logits[:, [word]]).sum(-1) for _, word in masked], dim=1)
    words = [word for _, word in masked]
    others = [
        rank
        for word, of_word in zip(words, ranks.T.tolist(), strict=True)
        for other, rank in zip(words, of_word, strict=True)
        if other != word
    ]
    return Probe(len(rows), float(ranks.diagonal().double().mean()), fmean(others))


def _masked(pieces: Pieces, text: str) -> tuple[Row, int] | None:
    """Return a sentence with its word masked and the word's piece.

    None if the vocabulary does not know the sentence, or the word is not one piece there.
    """
    before, word, after = re.split(r"[\[\]]", text)
    letters = len((before + word + after).replace(" ", ""))
    ids: Ids = pieces.of([before + word + after])[0]
    found = [
        (at, one[0])
        for one in (pieces.word(word), pieces.glued(word))
        for at, number in enumerate(ids)
        if list(one) == [number]
    ]
    spelled = letters < SHORT * len(ids) or pieces.special.intersection(ids)
    if len(set(found)) != 1 or spelled:
        return None
    at, number = found[0]
    start, end = pieces.frame.start, pieces.frame.end
    row = start + ids[:at] + ids_of([pieces.mask]) + ids[at + 1 :] + end
    return Row(row, read_at=len(start) + at), number
