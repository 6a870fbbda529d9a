"""A LibreTranslate server by its address, through deep-translator; its key in LIBRE_API_KEY."""

import os

from deep_translator import LibreTranslator

from pipeline.errors import InputError, RunError
from pipeline.languages import LANGUAGES
from pipeline.params.whole import Params
from pipeline.translation.server import Server, ServerEngine
from pipeline.translation.web import Web
from pipeline.translation.workers import Translate

KEY = "LIBRE_API_KEY"


def build(params: Params) -> ServerEngine:
    """Return the engine.

    Raises:
        InputError: no address is given.
    """
    source, url = params.languages.source, params.paws15.translation.url
    if url is None:
        raise InputError(
            "params.yaml: paws15.translation.url: expected the address of a LibreTranslate "
            "server for engine libre, found nothing"
        )

    def connect(language: str, web: Web) -> Translate:
        codes = (LANGUAGES[code].codes["libre"] for code in (source, language))
        key = os.environ.get(KEY)
        # Without a key deep-translator makes no translator, and a server of one's own needs none.
        translator = LibreTranslator(
            *codes, api_key=key or "none", custom_url=url.rstrip("/") + "/"
        )
        translator.api_key = key

        def translate(text: str) -> str | None:
            try:
                answer: str | None = translator.translate(text)
            except Exception:
                if web.page.status in {401, 403}:
                    raise RunError(
                        f"{url} refuses the key in {KEY}" if key else f"{url} wants a key in {KEY}"
                    ) from None
                raise
            return answer

        return translate

    server = Server("libre", "deep_translator.libre", connect, longest=5000)
    return ServerEngine(server, params)
