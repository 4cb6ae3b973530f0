-- What a book was imported with, so that its file can be read anew.

-- Counts up each time the file is read anew; what belongs to a reading lies in a folder of that number.
ALTER TABLE books ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

-- The rules its file was read with, so that a page can offer to read it with newer ones.
ALTER TABLE books ADD COLUMN rules BIGINT NOT NULL DEFAULT 1;

-- Widths its cover was made in, as JSON.
ALTER TABLE books ADD COLUMN cover_widths TEXT NOT NULL DEFAULT '[]';

-- What was left out or mended, as JSON.
ALTER TABLE books ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
