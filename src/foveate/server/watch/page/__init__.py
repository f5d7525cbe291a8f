"""The live page: what each client sees now, in a browser, read-only (extra `page`).

Pictures are composed only while somebody looks, from the bytes that the clients sent.
"""

from foveate.server.watch.page.gallery import Gallery, View
from foveate.server.watch.page.live_page import LivePage

__all__ = ["Gallery", "LivePage", "View"]
