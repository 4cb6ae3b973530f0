-- What went on, in slots of ten minutes; `slot` is when one begins, in milliseconds since 1970.
CREATE TABLE figures (
    slot BIGINT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (slot, name)
);

-- What was made, heard and saved, by month (`2026-11`), kind (engine, voice, book or person) and its name. Money is in
-- millionths of the operator's currency.
CREATE TABLE totals (
    month TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    made BIGINT NOT NULL,
    heard BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    saved BIGINT NOT NULL,
    PRIMARY KEY (month, kind, name)
);
CREATE INDEX totals_by_name ON totals (kind, name);
