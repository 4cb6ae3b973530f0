-- Public keys of devices and password managers, each good at the host it was made for; `key` is JSON.
CREATE TABLE passkeys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    credential TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- What a browser has been asked to sign, until it has or the time is over; by the hash of what it was given.
CREATE TABLE challenges (
    id TEXT NOT NULL PRIMARY KEY,
    asked TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX challenges_by_end ON challenges (expires_at);
