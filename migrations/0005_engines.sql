-- What engines have spoken, and who is about to have a sentence spoken.

-- `ready` was a name for a state.
ALTER TABLE audio_assets RENAME COLUMN ready TO state;

-- What an engine that a person has configured has spoken on a day (UTC), and what that cost, in millionths
-- of the operator's currency. Booked before the engine is asked.
CREATE TABLE engine_usage (
    engine TEXT NOT NULL,
    day TEXT NOT NULL,
    characters BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    PRIMARY KEY (engine, day)
);

-- Who is having a sentence spoken: written before the engine is asked and gone when the clip is stored, so
-- that nobody pays for it twice, whatever becomes of the queue. Times are in milliseconds since 1970.
CREATE TABLE synthesis (
    content_hash TEXT PRIMARY KEY,
    -- The process, and its so many-th sentence.
    process TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
