"""Walks an OPDS 1.2 catalogue as reading apps do: catalogue.py URL [NAME PASSWORD], prints the books as JSON."""

import json
import sys
import urllib.parse
import urllib.request

import feedparser

address, login = sys.argv[1], sys.argv[2:]
if login:
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, address, *login)
    # As KOReader does: without a login first, and with it once it is asked for one.
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
else:
    opener = urllib.request.build_opener()


def read(url):
    with opener.open(url) as answer:
        read = feedparser.parse(answer.read())
    assert not read.bozo, read.bozo_exception
    return read


def links(entry, rel):
    return [link for link in entry.links if link.rel == rel]


root = read(address)
search = links(root.feed, "search")[0]
assert search.type == "application/opensearchdescription+xml"
pages = [links(entry, "subsection") for entry in root.entries]
books, page = [], next(page[0].href for page in pages if page)
seen = 0
while page:
    read_page = read(page)
    seen += 1
    for entry in read_page.entries:
        books.append(
            {
                "title": entry.title,
                "id": entry.id,
                "authors": [author.name for author in entry.get("authors", [])],
                "cover": [link.href for link in links(entry, "http://opds-spec.org/image")],
                "files": [[link.type, link.href] for link in links(entry, "http://opds-spec.org/acquisition")],
            }
        )
    following = links(read_page.feed, "next")
    page = following[0].href if following else None
print(json.dumps({"books": books, "pages": seen}))
