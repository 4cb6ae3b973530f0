-- People, how they come in, and what lets their programs in. Times are milliseconds since 1970.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- The name as names are compared: normalized and in lower case.
    name_key TEXT NOT NULL UNIQUE,
    -- A PHC string.
    password TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Browsers that are logged in. The id is the SHA-256 of the secret in the cookie.
CREATE TABLE user_sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device TEXT NOT NULL,
    address TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX user_sessions_by_user ON user_sessions (user_id);

-- What programs identify themselves with. The hash is the SHA-256 of the whole token; 0 is never.
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- A row that every change of who there is locks first, so that two changes do not count each other out.
INSERT INTO settings (name, value) VALUES ('people', 'lock');
