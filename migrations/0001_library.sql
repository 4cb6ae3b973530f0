-- The same statements run on SQLite and PostgreSQL: BIGINT for numbers and truth values, epoch
-- milliseconds for times, JSON as TEXT.

CREATE TABLE books (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    authors TEXT NOT NULL,
    language TEXT NOT NULL,
    vertical BIGINT NOT NULL,
    format TEXT NOT NULL,
    -- Path inside the book of its cover picture.
    cover TEXT,
    toc TEXT NOT NULL,
    chapters BIGINT NOT NULL,
    sentences BIGINT NOT NULL,
    added_at BIGINT NOT NULL
);

CREATE TABLE chapters (
    book_id TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    title TEXT NOT NULL,
    sentences BIGINT NOT NULL,
    PRIMARY KEY (book_id, number)
);

CREATE TABLE progress (
    user_id TEXT NOT NULL,
    book_id TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    chapter BIGINT NOT NULL,
    sentence BIGINT NOT NULL,
    intra_ms BIGINT NOT NULL,
    voice_id TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, book_id)
);

-- A row stands for a clip in the object store.
CREATE TABLE audio_assets (
    content_hash TEXT PRIMARY KEY,
    engine TEXT NOT NULL,
    model TEXT NOT NULL,
    voice TEXT NOT NULL,
    speed TEXT NOT NULL,
    format TEXT NOT NULL,
    sample_rate BIGINT NOT NULL,
    samples BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Facts about this installation, such as whether it has been given the sample book.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
