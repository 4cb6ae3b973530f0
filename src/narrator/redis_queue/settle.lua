-- Moves a book to the end of a class, or off the index.
-- KEYS: books    ARGV: book, class or nothing
if ARGV[2] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], (ARGV[2] == 'chapter' and CHAPTER or 0) + clock(), ARGV[1])
end
