-- Who reads a book aloud by the sound that it brings; empty when the book does not say who, NULL when it brings none.
ALTER TABLE books ADD COLUMN read_by TEXT;
