-- Links by which somebody without an account reads one book. The hash is the SHA-256 of the whole link.
CREATE TABLE shares (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    book_id TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX shares_by_user ON shares (user_id);

-- Browsers that came by a link, each with a place of its own. The id is the SHA-256 of the secret in its cookie.
CREATE TABLE guests (
    id TEXT PRIMARY KEY,
    share_id TEXT NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    made_at BIGINT NOT NULL
);
CREATE INDEX guests_by_share ON guests (share_id);
