"""Google Translate's mobile page, through deep-translator; no key."""

from bs4 import BeautifulSoup
from deep_translator import GoogleTranslator
from deep_translator.constants import BASE_URLS

from pipeline.languages import LANGUAGES
from pipeline.params.whole import Params
from pipeline.translation.checks import GLUED
from pipeline.translation.failures import RefusedError
from pipeline.translation.server import Server, ServerEngine
from pipeline.translation.web import Web
from pipeline.translation.workers import Translate


def build(params: Params) -> ServerEngine:
    """Return the engine; `paws15.translation.url` is another server of the same page."""
    source, url = params.languages.source, params.paws15.translation.url

    def connect(language: str, web: Web) -> Translate:
        # deep-translator reads the address when a translator is made, and there alone.
        BASE_URLS["GOOGLE_TRANSLATE"] = url or "https://translate.google.com/m"
        codes = (LANGUAGES[code].codes["google"] for code in (source, language))
        translator = GoogleTranslator(*codes)

        def translate(text: str) -> str | None:
            answer: str | None = translator.translate(text)
            if has_tags(web.page.text):
                raise RefusedError(GLUED, answer)
            return answer

        return translate

    server = Server("google", "deep_translator.google", connect, longest=5000)
    return ServerEngine(server, params)


def has_tags(page: str) -> bool:
    """Return whether there are tags inside the translation on a page.

    deep-translator drops them, and the spaces around them: "Der <b>Hund</b> läuft" comes out as
    "DerHundläuft", which no look at the text alone could tell.
    """
    found = BeautifulSoup(page, "html.parser").find("div", {"class": ["t0", "result-container"]})
    return found is not None and found.find(True) is not None
