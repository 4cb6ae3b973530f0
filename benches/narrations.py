#!/usr/bin/env python3
"""Measures whole books: how fast they are spoken and packed, what that takes of memory, and whether somebody who presses
play meanwhile waits for longer.

    EARMARK_BIN=… EARMARK_SITE=… narrations.py BOOK.epub [VOICE]

Only what stands here is needed: a release build and Linux. Processor seconds are those of the server and of the programs
that it has run and that have ended.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BOOK, VOICE = sys.argv[1], (sys.argv[2:] or ["espeak-ng:en-us"])[0]
PORT = 39333
SITE = f"http://127.0.0.1:{PORT}"
# Pages of a second book are opened this often, each with a chapter that nobody has heard.
PRESSES = 15


def ask(path, body=None, kind="application/json"):
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(SITE + path, data, {"content-type": kind} if data else {})
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def add(name, data):
    mark = "XXboundaryXX"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    return ask("/api/books", body, f"multipart/form-data; boundary={mark}")["id"]


def seconds_used(pid):
    """Of processor, by the server and its children that have ended (proc(5), `stat`, 14 to 17)."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def anonymous_mb(pid):
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def narrate(pid, book, output):
    """Has a book narrated; the wall and processor seconds that took, and the most memory."""
    begun, used, most = time.time(), seconds_used(pid), 0
    card = ask("/api/narrations", {"book": book, "voice": VOICE, "output": output})
    while card["state"] in ("queued", "running"):
        time.sleep(0.2)
        most = max(most, anonymous_mb(pid))
        card = ask(f"/api/narrations/{card['id']}")
    assert card["state"] == "completed", card
    return time.time() - begun, seconds_used(pid) - used, most, card


def press(book, chapter):
    """How long the first sound takes of a chapter that nobody has heard, in milliseconds."""
    begun = time.perf_counter()
    with urllib.request.urlopen(f"{SITE}/listen/{book}/{chapter}.mp3?voice={VOICE}") as sound:
        sound.read(4096)
    return (time.perf_counter() - begun) * 1000


def presses(book, chapters):
    times = []
    for chapter in chapters:
        times.append(press(book, chapter))
        time.sleep(0.5)
    return statistics.median(times), max(times)


def start(folder):
    command = [os.environ["EARMARK_BIN"], "--data", folder, "--addr", f"127.0.0.1:{PORT}"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            ask("/api/books")
            break
        except OSError:
            time.sleep(0.1)
    return server


def main():
    with open(BOOK, "rb") as file:
        data = file.read()
    with tempfile.TemporaryDirectory() as folder:
        server = start(folder)
        try:
            book = add("book.epub", data)
            # Texts of their own, so that no sentence is one of the book's.
            lines = [f"Chapter {n}\n\nThis is what stands in chapter {n}, and nobody has heard it.\n\n" for n in range(1, 2 * PRESSES + 1)]
            other = add("other.txt", "".join(lines).encode())
            chapters = [card["number"] for card in ask(f"/api/books/{other}")["chapters"]]
            alone = presses(other, chapters[:PRESSES])
            beside = []
            pressing = threading.Thread(target=lambda: (time.sleep(5), beside.append(presses(other, chapters[PRESSES : 2 * PRESSES]))))
            pressing.start()
            wall, used, _, card = narrate(server.pid, book, "")
            pressing.join()
            estimate = ask("/api/narrations", {"book": book, "voice": VOICE, "dry_run": True})
            hours = estimate["audio_seconds"] / 3600
            print(f"{card['total']} sentences, {hours:.1f} h of sound in {wall:.0f} s: {hours * 60 / wall:.2f} h a minute, {used / hours:.0f} processor s an hour")
            print(f"press to sound, median and worst: alone {alone[0]:.0f}, {alone[1]:.0f} ms; beside the narration {beside[0][0]:.0f}, {beside[0][1]:.0f} ms")
            for output in ("mp3", "epub", "m4b"):
                # One that has not spoken it: its memory is that of packing.
                server.terminate()
                server.wait()
                server = start(folder)
                wall, used, most, card = narrate(server.pid, book, output)
                print(f"{output}: {card['file_bytes'] / 1e6:.0f} MB in {wall:.0f} s, {used / hours:.1f} processor s an hour, {most:.0f} MB of memory at most")
        finally:
            server.terminate()
            server.wait()


main()
