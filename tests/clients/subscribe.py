"""Reads a feed as podcast apps do: subscribe.py URL, prints what is in it as JSON."""

import calendar
import json
import sys

import feedparser

read = feedparser.parse(sys.argv[1])


def episode(entry):
    enclosure = entry.enclosures[0]
    return {
        "title": entry.title,
        "url": enclosure.href,
        "length": enclosure.length,
        "published": calendar.timegm(entry.published_parsed),
        "transcript": entry.podcast_transcript["url"],
    }


print(
    json.dumps(
        {
            "title": read.feed.get("title"),
            "type": read.feed.get("itunes_type"),
            "bozo": bool(read.bozo),
            "episodes": [episode(entry) for entry in read.entries],
        }
    )
)
