-- For how many seconds somebody has read and listened on a day (`2026-11-28`), by that person's own calendar.
CREATE TABLE reading_days (
    user_id TEXT NOT NULL,
    day TEXT NOT NULL,
    read_s BIGINT NOT NULL,
    listened_s BIGINT NOT NULL,
    PRIMARY KEY (user_id, day)
);
