-- KEYS: lane, pending [, books, wake]
-- ARGV: book, class, lane limit, book limit, then content hash and payload of each job
-- Returns how many were added, or -1 when the lane is full, -2 when there are too many books.
local books = KEYS[3]
if books and not redis.call('ZSCORE', books, ARGV[1])
    and redis.call('ZCARD', books) >= tonumber(ARGV[4]) then
  return -2
end
local room = tonumber(ARGV[3]) - redis.call('LLEN', KEYS[1])
local added, fitted = append(KEYS[1], KEYS[2], room, 5, #ARGV)
if books and added > 0 then
  take_place(books, ARGV[1], ARGV[2])
  wake(KEYS[4], added)
end
return fitted and added or -1
