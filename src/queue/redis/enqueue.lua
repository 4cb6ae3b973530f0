-- Notes that jobs wait in a lane; the same transaction appends their payloads.
-- KEYS: lane, pending, books, wake, lanes of the book, counts
-- ARGV: book, class, suffix of the pool, then the content hash of each job
-- Returns how many did not wait there yet.
local lane, pending, books, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[6]
local book, class, suffix = ARGV[1], ARGV[2], ARGV[3]
if redis.call('LLEN', lane) == 0 then
  local waiting = redis.call('SCARD', pending)
  if waiting > 0 then
    -- The lane was deleted by hand.
    redis.call('DEL', pending)
    redis.call('HINCRBY', counts, class .. suffix, -waiting)
  end
end
local added = redis.call('SADD', pending, unpack(ARGV, 4))
redis.call('SADD', KEYS[5], suffix)
redis.call('HINCRBY', counts, class .. suffix, added)
take_place(books, counts, suffix, book, class)
wake(KEYS[4], #ARGV - 3)
return added
