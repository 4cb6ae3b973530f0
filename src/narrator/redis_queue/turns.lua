-- Whose turn it is. A book's score in `queue:tts:books` is the time it was last served or came, in
-- microseconds; books that have only chapter work come after all that have prefetch work.
local CHAPTER = 4503599627370496 -- 2^52, later than any clock

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Lets a book take its place in a class. One that waits there, or in a higher class, keeps its turn.
local function take_place(books, book, class)
  local score = tonumber(redis.call('ZSCORE', books, book) or nil)
  if class == 'prefetch' then
    if not score or score >= CHAPTER then
      redis.call('ZADD', books, clock(), book)
    end
  elseif not score then
    redis.call('ZADD', books, CHAPTER + clock(), book)
  end
end

-- Tokens for idle workers; as many as could be waiting are enough.
local MOST = 64

local function wake(list, count)
  local tokens = {}
  for i = 1, math.min(count, MOST) do
    tokens[i] = 1
  end
  redis.call('RPUSH', list, unpack(tokens))
  redis.call('LTRIM', list, -MOST, -1)
end
