-- Drops what waits for an engine that is no more, some books at a time.
-- KEYS: books of the pool, counts, wake, rest, state
-- ARGV: heads of lanes, of pending sets and of the pools of a book, suffix of the pool, books at most
-- Returns how many books had lanes; when none had, its counts, tokens and rest go as well. Permits end with their claims.
-- Requests whose sentences go so stay below their total until they expire.
local suffix = ARGV[4]
local books = redis.call('ZRANGE', KEYS[1], 0, ARGV[5] - 1)
for _, book in ipairs(books) do
  for _, class in ipairs(CLASSES) do
    local tail = class .. ':{' .. book .. '}' .. suffix
    redis.call('UNLINK', ARGV[1] .. tail, ARGV[2] .. tail)
  end
  redis.call('SREM', ARGV[3] .. book .. '}', suffix)
end
if #books > 0 then
  redis.call('ZREM', KEYS[1], unpack(books))
else
  redis.call('HDEL', KEYS[2], 'books' .. suffix)
  for _, class in ipairs(CLASSES) do
    redis.call('HDEL', KEYS[2], class .. suffix)
  end
  redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
end
return #books
