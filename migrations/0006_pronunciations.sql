-- How words are said where the voice says them wrong. `target` is the book, the author or the language that an
-- entry is for; `book_id` is there so that an entry for a book goes with it.
CREATE TABLE pronunciations (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    target TEXT NOT NULL,
    book_id TEXT REFERENCES books (id) ON DELETE CASCADE,
    written TEXT NOT NULL,
    spoken TEXT NOT NULL,
    phonemes TEXT NOT NULL,
    matching TEXT NOT NULL,
    matches_case BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (user_id, scope, target, written, matching, matches_case)
);
