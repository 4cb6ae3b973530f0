-- Which book is next: the rounds that keep claims fair between books. A book's score in an index of books is
-- the time it was last served or came, in microseconds, in the range of the most urgent class it has work in.
local WIDTH = 2251799813685248 -- 2^51, later than any clock
local CLASSES = { 'awaited', 'prefetch', 'chapter', 'background' }
local RANK = { awaited = 0, prefetch = 1, chapter = 2, background = 3 }

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Lets a book take its place in a class. One that waits there, or in a higher class, keeps its turn.
-- Counts are kept by class and pool.
local function take_place(books, counts, suffix, book, class)
  local score = tonumber(redis.call('ZSCORE', books, book) or nil)
  if not score or score >= (RANK[class] + 1) * WIDTH then
    redis.call('ZADD', books, RANK[class] * WIDTH + clock(), book)
    if not score then
      redis.call('HINCRBY', counts, 'books' .. suffix, 1)
    end
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
