-- Characters a month that a person may have spoken by voices that cost money; below 0 there is no limit, as until now.
ALTER TABLE users ADD COLUMN allowance BIGINT NOT NULL DEFAULT -1;

-- What each has had spoken by them, by month: `2026-11`.
CREATE TABLE spending (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    month TEXT NOT NULL,
    characters BIGINT NOT NULL,
    PRIMARY KEY (user_id, month)
);

-- Links by which somebody makes an account of their own. The hash is the SHA-256 of the secret in the link.
CREATE TABLE invitations (
    hash TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    -- Who has made it; nobody in particular on the command line.
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- What happened to accounts and to what runs the place, for its admins.
CREATE TABLE happenings (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    about TEXT NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX happenings_by_time ON happenings (at);

-- Until when a browser need not say the password again before what changes who runs the place.
ALTER TABLE user_sessions ADD COLUMN confirmed_until BIGINT NOT NULL DEFAULT 0;
-- When it was said last.
ALTER TABLE user_sessions ADD COLUMN confirmed_at BIGINT NOT NULL DEFAULT 0;
