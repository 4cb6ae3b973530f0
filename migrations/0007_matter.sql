-- What a chapter is of its book: text, front or back. A reader may have said so, and then it stays so when the
-- book's file is read anew.
ALTER TABLE chapters ADD COLUMN matter TEXT NOT NULL DEFAULT 'text';
ALTER TABLE chapters ADD COLUMN matter_chosen BIGINT NOT NULL DEFAULT 0;
