"""Google Translate's mobile page through deep-translator; no key."""

from bs4 import BeautifulSoup
from deep_translator import GoogleTranslator
from deep_translator.constants import BASE_URLS

from pipeline.params.whole import Params
from pipeline.translation.checks import GLUED
from pipeline.translation.sentences import RefusedError
from pipeline.translation.server import ServerEngine
from pipeline.translation.web import Web
from pipeline.translation.workers import Translate


def build(params: Params) -> ServerEngine:
    """Return the engine; `paws15.translation.url` may name another server of the same page."""

    def connect(source: str, target: str, web: Web) -> Translate:
        # deep-translator reads the address only when it makes a translator.
        url = params.paws15.translation.url or "https://translate.google.com/m"
        BASE_URLS["GOOGLE_TRANSLATE"] = url
        translator = GoogleTranslator(source, target)

        def translate(text: str) -> str | None:
            answer: str | None = translator.translate(text)
            if has_tags(web.page.text):
                raise RefusedError(GLUED, answer)
            return answer

        return translate

    return ServerEngine("google", params, connect=connect, longest=5000)


def has_tags(page: str) -> bool:
    """Return whether the translation on a page contains tags.

    deep-translator drops tags together with the spaces around them: "Der <b>Hund</b> läuft"
    becomes "DerHundläuft", which the text does not always show.
    """
    box = BeautifulSoup(page, "html.parser").find("div", {"class": ["t0", "result-container"]})
    return box is not None and box.find(True) is not None
