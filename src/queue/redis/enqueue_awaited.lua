-- Puts a job that somebody waits for behind those that others wait for.
-- KEYS: lane, pending, books, wake, lanes of the book, counts, making, abandoned, pending of the prefetch,
--       chapter and background lane [, rest of the engine]
-- ARGV: book, suffix of the pool, book limit, content hash, payload
-- Returns 1; 0 when it is being made; -2 when there are too many books; -3 when it is refused; or 2, how
-- long the engine rests and why.
local content = ARGV[4]
if redis.call('HEXISTS', KEYS[7], content) == 1 then
  return { 0 }
end
local refused = redis.call('ZSCORE', KEYS[8], content)
if refused and tonumber(refused) > math.floor(clock() / 1000) then
  return { -3 }
end
local books, counts = KEYS[3], KEYS[6]
if not redis.call('ZSCORE', books, ARGV[1]) and redis.call('ZCARD', books) >= tonumber(ARGV[3]) then
  return { -2 }
end
if redis.call('LLEN', KEYS[1]) == 0 then
  local stale = redis.call('SCARD', KEYS[2])
  if stale > 0 then
    redis.call('DEL', KEYS[2])
    redis.call('HINCRBY', counts, 'awaited' .. ARGV[2], -stale)
  end
end
if redis.call('SADD', KEYS[2], content) == 1 then
  redis.call('RPUSH', KEYS[1], ARGV[5])
  redis.call('SADD', KEYS[5], ARGV[2])
  redis.call('HINCRBY', counts, 'awaited' .. ARGV[2], 1)
  -- It need not wait elsewhere as well.
  for at, class in ipairs({ 'prefetch', 'chapter', 'background' }) do
    if redis.call('SREM', KEYS[8 + at], content) == 1 then
      redis.call('HINCRBY', counts, class .. ARGV[2], -1)
    end
  end
  take_place(books, counts, ARGV[2], ARGV[1], 'awaited')
  wake(KEYS[4], 1)
end
if KEYS[12] then
  local left = redis.call('PTTL', KEYS[12])
  if left > 0 then
    return { 2, left, redis.call('GET', KEYS[12]) }
  end
end
return { 1 }
