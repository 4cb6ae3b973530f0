-- What making ahead in quiet hours has cost, by the day on which the night began (`2026-11-28`), in millionths of the
-- operator's currency; and the server that does it until when, in milliseconds since 1970.
CREATE TABLE nights (
    night TEXT NOT NULL PRIMARY KEY,
    spent BIGINT NOT NULL,
    server TEXT NOT NULL,
    held_until BIGINT NOT NULL
);
