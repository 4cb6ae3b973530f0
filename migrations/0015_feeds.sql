-- Addresses at which a podcast app gets a book as episodes. The hash is the SHA-256 of the whole token in the address.
CREATE TABLE feeds (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    -- `local` where nobody logs in.
    user_id TEXT NOT NULL,
    book_id TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    voice TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE INDEX feeds_by_user ON feeds (user_id);
