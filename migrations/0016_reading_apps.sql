-- A password that a reading app sends instead of a token is found by its hash alone.
CREATE INDEX tokens_by_hash ON tokens (hash);

-- The document of the file in which a chapter begins, counted from 1 as the file has them; 0 where that is not known.
ALTER TABLE chapters ADD COLUMN document BIGINT NOT NULL DEFAULT 0;

-- Files of books as KOReader names them: by the MD5 of parts of it.
CREATE TABLE documents (
    digest TEXT NOT NULL,
    book_id TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    -- The chapters that are its documents, where the file was made of the book, and the revision of the book that it was
    -- made of; 0 for the file that was imported.
    first_chapter BIGINT NOT NULL,
    last_chapter BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (digest, book_id)
);
CREATE INDEX documents_by_book ON documents (book_id);

-- What KOReader last said of where somebody is in a file, whether it is of a book here or not.
CREATE TABLE sync_places (
    -- `local` where nobody logs in.
    user_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- As KOReader wrote it.
    place TEXT NOT NULL,
    -- Of 1.
    percentage TEXT NOT NULL,
    device TEXT NOT NULL,
    device_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, digest)
);
