-- Engines that a person has configured, and what is known of the clips they made.

-- `settings` is JSON; `secret` is the engine's key, encrypted.
CREATE TABLE engines (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    secret TEXT,
    updated_at BIGINT NOT NULL
);

-- 0 while the clip's object is being written, 1 when it is good, 2 while it is being removed: a row comes
-- before its object and goes after it.
ALTER TABLE audio_assets ADD COLUMN ready BIGINT NOT NULL DEFAULT 1;

-- SHA-256 of the object in hex; empty for clips made before there were checksums.
ALTER TABLE audio_assets ADD COLUMN checksum TEXT NOT NULL DEFAULT '';

-- When each word begins, as JSON, where the engine says so.
ALTER TABLE audio_assets ADD COLUMN marks TEXT;

ALTER TABLE audio_assets ADD COLUMN words BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audio_assets ADD COLUMN characters BIGINT NOT NULL DEFAULT 0;

-- What it cost, in millionths of the operator's currency.
ALTER TABLE audio_assets ADD COLUMN cost BIGINT NOT NULL DEFAULT 0;

-- How often it was heard without being made for it.
ALTER TABLE audio_assets ADD COLUMN hits BIGINT NOT NULL DEFAULT 0;

-- Whether it was heard by the one it was made for: what follows are hits.
ALTER TABLE audio_assets ADD COLUMN heard BIGINT NOT NULL DEFAULT 0;

ALTER TABLE audio_assets ADD COLUMN last_access BIGINT NOT NULL DEFAULT 0;

-- Clips from before this was counted were heard when they were made, as far as anybody knows.
UPDATE audio_assets SET last_access = created_at, heard = 1;

CREATE INDEX audio_assets_by_access ON audio_assets (last_access);

-- In which books a clip is heard, and in which it was made.
CREATE TABLE asset_books (
    content_hash TEXT NOT NULL REFERENCES audio_assets (content_hash) ON DELETE CASCADE,
    book_id TEXT NOT NULL,
    -- Whether it was made for this book.
    made BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    PRIMARY KEY (content_hash, book_id)
);

CREATE INDEX asset_books_by_book ON asset_books (book_id);

-- Texts that other programs had spoken, so that their audio has an address. `voice` is the voice's id.
CREATE TABLE utterances (
    content_hash TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    voice TEXT NOT NULL,
    speed TEXT NOT NULL,
    last_access BIGINT NOT NULL
);
