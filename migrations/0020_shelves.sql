-- A feed without a book is for all that the person reads.
CREATE TABLE feeds_next (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    -- `local` where nobody logs in.
    user_id TEXT NOT NULL,
    book_id TEXT REFERENCES books (id) ON DELETE CASCADE,
    -- Empty where there is no book: then each is read by whoever reads it to the person.
    voice TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
INSERT INTO feeds_next (id, hash, user_id, book_id, voice, made_at)
    SELECT id, hash, user_id, book_id, voice, made_at FROM feeds;
DROP TABLE feeds;
ALTER TABLE feeds_next RENAME TO feeds;
CREATE INDEX feeds_by_user ON feeds (user_id);
-- The characters that a narration was to have spoken when it was asked for.
ALTER TABLE narrations ADD COLUMN wanted BIGINT NOT NULL DEFAULT 0;
