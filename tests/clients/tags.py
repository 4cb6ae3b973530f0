"""Reads an audio file as mutagen does: tags.py FILE, prints its chapters (title, seconds) and its title as JSON."""

import json
import sys

import mutagen
from mutagen.mp4 import MP4

read = mutagen.File(sys.argv[1])
if isinstance(read, MP4):
    chapters = [[one.title, one.start] for one in read.chapters or []]
    title = read.tags["\xa9nam"][0]
else:
    order = read.tags.getall("CTOC")[0].child_element_ids
    marks = {one.element_id: one for one in read.tags.getall("CHAP")}
    chapters = [[marks[name].sub_frames["TIT2"].text[0], marks[name].start_time / 1000] for name in order]
    title = read.tags["TIT2"].text[0]
print(json.dumps({"title": title, "chapters": chapters}))
