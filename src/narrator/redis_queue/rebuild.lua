-- KEYS: prefetch lane, its pending, chapter lane, its pending [, books, wake]
-- ARGV: book, lane limit, number of prefetch jobs, then content hash and payload of each job
-- Returns how many were added, or -1 when a lane is full.
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local limit = tonumber(ARGV[2])
local split = 3 + 2 * tonumber(ARGV[3])
local urgent, urgent_fitted = append(KEYS[1], KEYS[2], limit, 4, split)
local rest, rest_fitted = append(KEYS[3], KEYS[4], limit, split + 1, #ARGV)
if KEYS[5] then
  redis.call('ZREM', KEYS[5], ARGV[1])
  if urgent + rest > 0 then
    take_place(KEYS[5], ARGV[1], urgent > 0 and 'prefetch' or 'chapter')
    wake(KEYS[6], urgent + rest)
  end
end
return (urgent_fitted and rest_fitted) and (urgent + rest) or -1
