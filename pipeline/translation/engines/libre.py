"""A LibreTranslate server through deep-translator; its key in LIBRE_API_KEY."""

import os

from deep_translator import LibreTranslator

from pipeline.errors import InputError, RunError
from pipeline.params.whole import Params
from pipeline.translation.server import ServerEngine
from pipeline.translation.web import Web
from pipeline.translation.workers import Translate

KEY = "LIBRE_API_KEY"


def build(params: Params) -> ServerEngine:
    """Return the engine, or raise InputError if params.yaml gives no address."""
    url = params.paws15.translation.url
    if url is None:
        raise InputError(
            "params.yaml: paws15.translation.url: expected the address of a LibreTranslate "
            "server for engine libre, found nothing"
        )

    def connect(source: str, target: str, web: Web) -> Translate:
        key = os.environ.get(KEY)
        # deep-translator insists on a key, which your own server may not need.
        translator = LibreTranslator(
            source, target, api_key=key or "none", custom_url=url.rstrip("/") + "/"
        )
        translator.api_key = key

        def translate(text: str) -> str | None:
            try:
                answer: str | None = translator.translate(text)
            except Exception:
                if web.page.status in {401, 403}:
                    verb = "refuses the" if key else "wants a"
                    raise RunError(f"{url} {verb} key in {KEY}") from None
                raise
            return answer

        return translate

    return ServerEngine("libre", params, connect=connect, longest=5000)
