-- Books, or parts of them, that are narrated ahead. Times are milliseconds since 1970, 0 is never.
CREATE TABLE narrations (
    id TEXT PRIMARY KEY,
    -- `local` where nobody logs in.
    user_id TEXT NOT NULL,
    book_id TEXT NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    voice TEXT NOT NULL,
    first_chapter BIGINT NOT NULL,
    last_chapter BIGINT NOT NULL,
    -- What is made of the sound: nothing, or a form of file.
    output TEXT NOT NULL,
    -- queued, running, paused, completed, failed or cancelled.
    state TEXT NOT NULL,
    -- The greater goes first.
    priority BIGINT NOT NULL,
    -- Not before.
    run_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    -- Times it was begun since it last got on.
    attempts BIGINT NOT NULL,
    -- Whoever runs it, and until when if nothing more is heard.
    token TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    -- When it last got on.
    moved_at BIGINT NOT NULL,
    -- What a person has asked of whoever runs it: nothing, cancel or pause.
    wish TEXT NOT NULL,
    -- Sentences: all of them, those that are there, those made for this, those that could not be made.
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    made BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    -- The chapter it is in.
    chapter BIGINT NOT NULL,
    error TEXT NOT NULL,
    -- What was spoken for it, and what that cost, in millionths.
    characters BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    -- What the person has agreed to.
    max_cost BIGINT NOT NULL,
    -- How long it was run, in ms.
    ran BIGINT NOT NULL,
    -- The file in the object store, and its size; nothing and 0 while there is none.
    file TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    -- The same work is there once while it is not done.
    unique_key TEXT NOT NULL
);
CREATE UNIQUE INDEX narrations_once ON narrations (unique_key)
    WHERE state IN ('queued', 'running', 'paused');
CREATE INDEX narrations_turn ON narrations (state, priority, created_at);
CREATE INDEX narrations_by_user ON narrations (user_id, created_at);
