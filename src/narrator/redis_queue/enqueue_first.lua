-- KEYS: lane, pending, lock [, content lock, books, wake]
-- ARGV: book, book limit, content hash, payload
-- Returns 1, or 0 when it is being made, -2 when there are too many books.
if redis.call('EXISTS', KEYS[3]) == 1 or (KEYS[4] and redis.call('EXISTS', KEYS[4]) == 1) then
  return 0
end
local books = KEYS[5]
if books and not redis.call('ZSCORE', books, ARGV[1])
    and redis.call('ZCARD', books) >= tonumber(ARGV[2]) then
  return -2
end
local payload = ARGV[4]
if redis.call('SADD', KEYS[2], ARGV[3]) == 0 then
  -- The one that waits moves up: it knows how often it was tried.
  local begin = '{"contentHash":"' .. ARGV[3] .. '"'
  for _, waiting in ipairs(redis.call('LRANGE', KEYS[1], 0, 499)) do
    if string.sub(waiting, 1, #begin) == begin then
      redis.call('LREM', KEYS[1], 1, waiting)
      payload = waiting
      break
    end
  end
end
redis.call('LPUSH', KEYS[1], payload)
if books then
  take_place(books, ARGV[1], 'prefetch')
  wake(KEYS[6], 1)
end
return 1
