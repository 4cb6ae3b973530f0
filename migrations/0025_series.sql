-- The series that a book's file says it is of; books that were read before this was told have none.
ALTER TABLE books ADD COLUMN series TEXT;
