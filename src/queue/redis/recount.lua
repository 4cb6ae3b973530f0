-- Counts what waits in the lanes of this machine's voices, once: earlier versions did not.
-- KEYS: counts, books    ARGV: head of pending sets, head of the pools of a book
if redis.call('HSETNX', KEYS[1], 'counted', 1) == 0 then
  return 0
end
local books = redis.call('ZRANGE', KEYS[2], 0, -1)
local sums = { prefetch = 0, chapter = 0 }
for _, book in ipairs(books) do
  for class in pairs(sums) do
    sums[class] = sums[class] + redis.call('SCARD', ARGV[1] .. class .. ':{' .. book .. '}')
  end
  redis.call('SADD', ARGV[2] .. book .. '}', '')
end
redis.call('HSET', KEYS[1], 'prefetch', sums.prefetch, 'chapter', sums.chapter, 'books', #books)
return #books
