"""The 15 languages of XNLI: family, script, PCT's words, engines' codes, length bounds.

To add a language, add a row here and name it in params.yaml (see CONTRIBUTING.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
        codes: each translation engine's own code; engines without one do not know the language.
            Of the models of engine `nllb`, others than NLLB-200 use `code`.
        length: least and most characters of a translation per character of English. About one in
            a thousand of XNLI's and PAWS-X's human translations is outside.
    """

    code: str
    name: str
    family: str
    script: str
    question: str
    answer: str
    codes: Mapping[str, str] = field(default_factory=dict)
    length: tuple[float, float] = (0.4, 2.5)


def _codes(nllb: str, google: str, mymemory: str, *libre: str) -> dict[str, str]:
    codes = (nllb, google, mymemory, *libre)
    return dict(zip(("nllb", "google", "mymemory", "libre"), codes, strict=False))


_TABLE = (
    Language("ar", "Arabic", "Semitic", "Arabic", "سؤال", "جواب",
             _codes("arb_Arab", "ar", "ar-SA", "ar")),
    Language("bg", "Bulgarian", "Slavic", "Cyrillic", "Въпрос", "Отговор",
             _codes("bul_Cyrl", "bg", "bg-BG")),
    Language("de", "German", "Germanic", "Latin", "Frage", "Antwort",
             _codes("deu_Latn", "de", "de-DE", "de")),
    Language("el", "Greek", "Greek", "Greek", "Ερώτηση", "Απάντηση",
             _codes("ell_Grek", "el", "el-GR")),
    Language("en", "English", "Germanic", "Latin", "Question", "Answer",
             _codes("eng_Latn", "en", "en-US", "en")),
    Language("es", "Spanish", "Romance", "Latin", "Pregunta", "Respuesta",
             _codes("spa_Latn", "es", "es-ES", "es")),
    Language("fr", "French", "Romance", "Latin", "Question", "Réponse",
             _codes("fra_Latn", "fr", "fr-FR", "fr")),
    Language("hi", "Hindi", "Indo-Aryan", "Devanagari", "प्रश्न", "उत्तर",
             _codes("hin_Deva", "hi", "hi-IN", "hi")),
    Language("ru", "Russian", "Slavic", "Cyrillic", "Вопрос", "Ответ",
             _codes("rus_Cyrl", "ru", "ru-RU", "ru")),
    Language("sw", "Swahili", "Bantu", "Latin", "Swali", "Jibu", _codes("swh_Latn", "sw", "sw-KE")),
    Language("th", "Thai", "Tai", "Thai", "คำถาม", "คำตอบ", _codes("tha_Thai", "th", "th-TH")),
    Language("tr", "Turkish", "Turkic", "Latin", "Soru", "Cevap",
             _codes("tur_Latn", "tr", "tr-TR", "tr")),
    Language("ur", "Urdu", "Indo-Aryan", "Arabic", "سوال", "جواب",
             _codes("urd_Arab", "ur", "ur-PK")),
    Language("vi", "Vietnamese", "Vietic", "Latin", "Câu hỏi", "Trả lời",
             _codes("vie_Latn", "vi", "vi-VN", "vi")),
    Language("zh", "Chinese", "Chinese", "Han", "问题", "答案",
             _codes("zho_Hans", "zh-CN", "zh-CN", "zh"),
             length=(0.15, 1.0)),
)  # fmt: skip

LANGUAGES: dict[str, Language] = {row.code: row for row in _TABLE}
