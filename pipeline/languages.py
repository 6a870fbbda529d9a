"""The 15 languages of XNLI as one table: family, script, and the words of PCT's template.

To add a language, add a row here and name it in params.yaml (see CONTRIBUTING.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import InputError


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        code: the code that XNLI and this project use (ISO 639-1).
        name: the English name.
        family: one of the paper's eleven families (Figure 3).
        script: the Unicode script of running text.
        question: PCT's literal word "Question" in this language.
        answer: PCT's literal word "Answer" in this language.
    """

    code: str
    name: str
    family: str
    script: str
    question: str
    answer: str


LANGUAGES: dict[str, Language] = {
    row.code: row
    for row in (
        Language("ar", "Arabic", "Semitic", "Arabic", "سؤال", "جواب"),
        Language("bg", "Bulgarian", "Slavic", "Cyrillic", "Въпрос", "Отговор"),
        Language("de", "German", "Germanic", "Latin", "Frage", "Antwort"),
        Language("el", "Greek", "Greek", "Greek", "Ερώτηση", "Απάντηση"),
        Language("en", "English", "Germanic", "Latin", "Question", "Answer"),
        Language("es", "Spanish", "Romance", "Latin", "Pregunta", "Respuesta"),
        Language("fr", "French", "Romance", "Latin", "Question", "Réponse"),
        Language("hi", "Hindi", "Indo-Aryan", "Devanagari", "प्रश्न", "उत्तर"),
        Language("ru", "Russian", "Slavic", "Cyrillic", "Вопрос", "Ответ"),
        Language("sw", "Swahili", "Bantu", "Latin", "Swali", "Jibu"),
        Language("th", "Thai", "Tai", "Thai", "คำถาม", "คำตอบ"),
        Language("tr", "Turkish", "Turkic", "Latin", "Soru", "Cevap"),
        Language("ur", "Urdu", "Indo-Aryan", "Arabic", "سوال", "جواب"),
        Language("vi", "Vietnamese", "Vietic", "Latin", "Câu hỏi", "Trả lời"),
        Language("zh", "Chinese", "Chinese", "Han", "问题", "答案"),
    )
}


def known(codes: Iterable[str], *, place: str) -> tuple[str, ...]:
    """Return the codes as they came, once each of them is found in the table.

    Args:
        codes: language codes.
        place: where the codes stand, for the message.

    Raises:
        InputError: a code has no row in the table.
    """
    found = tuple(codes)
    for code in found:
        if code not in LANGUAGES:
            raise InputError(
                f"{place}: expected one of {', '.join(LANGUAGES)} "
                f"(the table in pipeline/languages.py), found {code!r}"
            )
    return found
