-- Whether a program did it, by a token of whom the row names.
ALTER TABLE happenings ADD COLUMN is_program BIGINT NOT NULL DEFAULT 0;
