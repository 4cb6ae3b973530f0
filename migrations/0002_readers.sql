-- What readers keep, and what the library page and the player need to know of books.

-- A deleted book can be brought back until it is purged.
ALTER TABLE books ADD COLUMN deleted_at BIGINT;

-- The typeface the book brings, as JSON.
ALTER TABLE books ADD COLUMN fonts TEXT NOT NULL DEFAULT '[]';

-- For estimates of how long a chapter lasts.
ALTER TABLE chapters ADD COLUMN characters BIGINT NOT NULL DEFAULT 0;

-- Which device wrote the place, so that another one can tell that somebody else moved.
ALTER TABLE progress ADD COLUMN device TEXT;

-- One person's preferences, as JSON.
CREATE TABLE preferences (
    user_id TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Bookmarks and highlights. Offsets count UTF-16 units of a sentence's text on the page, as the
-- browser does.
CREATE TABLE annotations (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    book_id TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    chapter BIGINT NOT NULL,
    start_sentence BIGINT NOT NULL,
    start_offset BIGINT NOT NULL,
    end_sentence BIGINT NOT NULL,
    end_offset BIGINT NOT NULL,
    quote TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX annotations_by_book ON annotations (user_id, book_id, chapter, start_sentence);
