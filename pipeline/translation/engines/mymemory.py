"""MyMemory through deep-translator; no key. MYMEMORY_EMAIL raises its daily limit."""

import os

from deep_translator import MyMemoryTranslator
from deep_translator.constants import BASE_URLS

from pipeline.params.whole import Params
from pipeline.translation.server import ServerEngine
from pipeline.translation.web import Web
from pipeline.translation.workers import Translate


def build(params: Params) -> ServerEngine:
    """Return the engine; `paws15.translation.url` may name another server of the same protocol."""

    def connect(source: str, target: str, web: Web) -> Translate:
        del web
        # deep-translator's own address has no encryption.
        url = params.paws15.translation.url or "https://api.mymemory.translated.net/get"
        BASE_URLS["MYMEMORY"] = url
        translator = MyMemoryTranslator(source, target, email=os.environ.get("MYMEMORY_EMAIL"))
        translate: Translate = translator.translate
        return translate

    return ServerEngine("mymemory", params, connect=connect, longest=500)
