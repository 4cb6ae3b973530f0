-- Claims over all books, those with prefetch work first, in turn.
-- KEYS: books, leased    ARGV: as take.lua has them, then 13 how many
-- Returns whether more may be waiting, then token, class and payload of each claim.
local PASSES = 8 -- jobs that turn out to be made already cost a pass
local need = tonumber(ARGV[13])
local now = clock()
deadline = string.format('%.0f', math.floor(now / 1000) + tonumber(ARGV[11]))
local out = { 0 }
for _ = 1, PASSES do
  local turn = need > 0 and redis.call('ZRANGE', KEYS[1], 0, need - 1, 'WITHSCORES') or {}
  if #turn == 0 then
    break
  end
  local is_urgent = tonumber(turn[2]) < CHAPTER
  local books = {}
  for i = 1, #turn, 2 do
    if (tonumber(turn[i + 1]) < CHAPTER) == is_urgent then
      books[#books + 1] = turn[i]
    end
  end
  local quota = math.ceil(need / #books)
  for _, book in ipairs(books) do
    if need > 0 then
      local class = is_urgent and 'prefetch' or 'chapter'
      local taken, remaining = take(book, class, math.min(quota, need), out)
      if taken > 0 then
        redis.call('SADD', KEYS[2], book)
      end
      need = need - taken
      now = now + 1
      if remaining > 0 then
        redis.call('ZADD', KEYS[1], is_urgent and now or CHAPTER + now, book)
      elseif is_urgent and redis.call('LLEN', LANE.chapter .. book .. '}') > 0 then
        redis.call('ZADD', KEYS[1], CHAPTER + now, book)
      else
        redis.call('ZREM', KEYS[1], book)
      end
    end
  end
end
-- With no room left it does not matter.
out[1] = need > 0 and redis.call('ZCARD', KEYS[1]) or 1
return out
