-- What a program may do with a token, of what its person may: names with spaces between them. Those that were made
-- before may do everything.
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read listen progress import speak spend';
