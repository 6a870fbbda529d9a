"""MyMemory, through deep-translator; no key, an e-mail address in MYMEMORY_EMAIL for more a day."""

import os

from deep_translator import MyMemoryTranslator
from deep_translator.constants import BASE_URLS

from pipeline.languages import LANGUAGES
from pipeline.params.whole import Params
from pipeline.translation.server import Server, ServerEngine
from pipeline.translation.web import Web
from pipeline.translation.workers import Translate


def build(params: Params) -> ServerEngine:
    """Return the engine; `paws15.translation.url` is another server of the same protocol."""
    source, url = params.languages.source, params.paws15.translation.url

    def connect(language: str, web: Web) -> Translate:
        del web
        # deep-translator's own address is the same without encryption.
        BASE_URLS["MYMEMORY"] = url or "https://api.mymemory.translated.net/get"
        codes = (LANGUAGES[code].codes["mymemory"] for code in (source, language))
        translator = MyMemoryTranslator(*codes, email=os.environ.get("MYMEMORY_EMAIL"))

        def translate(text: str) -> str | None:
            answer: str | None = translator.translate(text)
            return answer

        return translate

    server = Server("mymemory", "deep_translator.mymemory", connect, longest=500)
    return ServerEngine(server, params)
