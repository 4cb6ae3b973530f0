-- Whose book it is; everybody's when it is nobody's in particular, as all were until now.
ALTER TABLE books ADD COLUMN owner TEXT;
CREATE INDEX books_by_owner ON books (owner);
