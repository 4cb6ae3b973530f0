-- The colour of a highlight.
ALTER TABLE annotations ADD COLUMN colour TEXT NOT NULL DEFAULT 'green';
