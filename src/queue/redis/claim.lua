-- Claims jobs in each pool that there is room in, those of the most urgent class first, books in turn.
-- KEYS: making, leases of the worker, workers, counts
-- ARGV: heads of the keys (1 lane, 2 pending, 3 audio or nothing, 4 lock, 5 books, 6 request), 7 what tokens
-- begin with, 8 first serial, 9 lock ms, 10 lease ms, 11 request expiry s, 12 worker, 13 most sentences a
-- turn; then of each pool its suffix, room for any class, room for chapter and background, limit of all
-- workers or nothing, permits, rest, state, and what it has together with others (any class, chapter and
-- background) or nothing
-- Returns whether more may be claimed at once, then token, class, payload and suffix of the pool of each
-- claim.
local PASSES = 8 -- jobs that turn out to be made already cost a pass
local serial = tonumber(ARGV[8])
local now = clock()
local now_ms = math.floor(now / 1000)
-- A call that is sent again, because its answer was lost, must not give the same tokens to other sentences.
local born = string.format('-%.0f', now)
local expiry = string.format('%.0f', now_ms + tonumber(ARGV[10]))
local out, leases, making, taken_from = { 0 }, {}, {}, {}
local begun, dropped = {}, {}
local more = 0

-- Takes up to `quota` jobs of one lane. Returns how many were claimed.
local function take(pool, book, class, quota)
  local tail = ':{' .. book .. '}' .. pool.suffix
  local payloads = redis.call('LPOP', ARGV[1] .. class .. tail, quota)
  if not payloads then
    return 0
  end
  local contents, names, requests, good, seen = {}, {}, {}, {}, {}
  for _, payload in ipairs(payloads) do
    -- A payload begins with what is needed here; to parse it whole would cost as much as the rest.
    local content, name, rest = string.match(payload, '^{"contentHash":"(%x+)","clip":"([^"\\]+)",()')
    if not content then
      out[#out + 1] = ''
      out[#out + 1] = class
      out[#out + 1] = payload
      out[#out + 1] = pool.suffix
    elseif not seen[content] then
      seen[content] = true
      local i = #good + 1
      good[i], contents[i], names[i] = payload, content, name
      requests[i] = string.match(payload, '^"requestId":"([^"\\]+)"', rest) or false
    end
  end
  if #good == 0 then
    return 0
  end
  local pending = ARGV[2] .. class .. tail
  local waits = redis.call('SMISMEMBER', pending, unpack(contents))
  local removed = redis.call('SREM', pending, unpack(contents))
  local counted = class .. pool.suffix
  taken_from[counted] = (taken_from[counted] or 0) + removed
  local holders = redis.call('HMGET', KEYS[1], unpack(contents))
  local stored, audio = {}, {}
  if ARGV[3] ~= '' then
    for i = 1, #good do
      audio[i] = ARGV[3] .. book .. '}:' .. names[i]
    end
    if redis.call('EXISTS', unpack(audio)) > 0 then
      for i = 1, #good do
        stored[i] = redis.call('EXISTS', audio[i]) == 1
      end
    end
  end
  local count = 0
  for i, payload in ipairs(good) do
    -- What does not wait any more was withdrawn.
    if waits[i] == 1 then
      local token = ARGV[7] .. string.format('%.0f', serial) .. born
      if not holders[i] and not stored[i]
          and redis.call('SET', ARGV[4] .. book .. '}:' .. names[i], token, 'NX', 'PX', ARGV[9]) then
        serial = serial + 1
        count = count + 1
        making[#making + 1] = contents[i]
        making[#making + 1] = token
        leases[#leases + 1] = token
        leases[#leases + 1] = class .. ' ' .. payload
        if pool.permits ~= '' then
          pool.granted[#pool.granted + 1] = expiry
          pool.granted[#pool.granted + 1] = token
        end
        out[#out + 1] = token
        out[#out + 1] = class
        out[#out + 1] = payload
        out[#out + 1] = pool.suffix
        if requests[i] then
          begun[requests[i]] = true
        end
      elseif requests[i] then
        dropped[requests[i]] = (dropped[requests[i]] or 0) + 1
      end
    end
  end
  if count > 0 then
    redis.call('HSET', KEYS[1], unpack(making, #making - 2 * count + 1))
  end
  return count
end

-- Gives a book its next turn, or takes it off the index.
local function next_turn(pool, book, rank)
  local tail = ':{' .. book .. '}' .. pool.suffix
  now = now + 1
  for at = rank, 3 do
    if redis.call('LLEN', ARGV[1] .. CLASSES[at + 1] .. tail) > 0 then
      redis.call('ZADD', pool.books, at * WIDTH + now, book)
      return
    end
  end
  redis.call('ZREM', pool.books, book)
  local counted = 'books' .. pool.suffix
  taken_from[counted] = (taken_from[counted] or 0) + 1
end

-- How many may be claimed of an engine with limits of its own.
local function permitted(pool, any)
  if redis.call('EXISTS', pool.rest) == 1 then
    return 0
  end
  redis.call('ZREMRANGEBYSCORE', pool.permits, '-inf', now_ms)
  local used = redis.call('ZCARD', pool.permits)
  -- After a rest one sentence at a time tries whether the engine is back.
  if tonumber(redis.call('HGET', pool.state, 'rests') or 0) > 0 then
    return used == 0 and math.min(any, 1) or 0
  end
  return pool.limit == '' and any or math.min(any, tonumber(pool.limit) - used)
end

local shared = 0 -- claimed of pools that share their room
for at = 14, #ARGV, 9 do
  local pool = {
    suffix = ARGV[at], limit = ARGV[at + 3], permits = ARGV[at + 4], rest = ARGV[at + 5],
    state = ARGV[at + 6], books = ARGV[5] .. ARGV[at], granted = {},
  }
  local any, ahead = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if ARGV[at + 7] ~= '' then
    any = math.min(any, tonumber(ARGV[at + 7]) - shared)
    ahead = math.min(ahead, tonumber(ARGV[at + 8]) - shared)
  end
  if pool.permits ~= '' and any > 0 then
    any = permitted(pool, any)
  end
  local claimed = 0
  for pass = 1, PASSES + 1 do
    local turn = claimed < any and redis.call('ZRANGE', pool.books, 0, any - claimed - 1, 'WITHSCORES') or {}
    if #turn == 0 then
      break
    end
    if pass > PASSES then
      more = 1
      break
    end
    local rank = math.floor(tonumber(turn[2]) / WIDTH)
    local room = (rank <= 1 and any or math.min(any, ahead)) - claimed
    if room <= 0 then
      break
    end
    local books = {}
    for i = 1, #turn, 2 do
      if math.floor(tonumber(turn[i + 1]) / WIDTH) == rank then
        books[#books + 1] = turn[i]
      end
    end
    local quota = math.ceil(room / #books)
    if rank >= 2 and room >= 10 then
      quota = math.max(quota, tonumber(ARGV[13]))
    end
    for _, book in ipairs(books) do
      if room > 0 then
        local count = take(pool, book, CLASSES[rank + 1], math.min(quota, room))
        claimed = claimed + count
        room = room - count
        next_turn(pool, book, rank)
      end
    end
  end
  if ARGV[at + 7] ~= '' then
    shared = shared + claimed
  end
  if #pool.granted > 0 then
    redis.call('ZADD', pool.permits, unpack(pool.granted))
  end
end
if #leases > 0 then
  redis.call('HSET', KEYS[2], unpack(leases))
  -- Whoever claims lives.
  redis.call('ZADD', KEYS[3], now_ms, ARGV[12])
end
for name, count in pairs(taken_from) do
  if count > 0 then
    redis.call('HINCRBY', KEYS[4], name, -count)
  end
end
for request in pairs(begun) do
  record(ARGV[6] .. request, ARGV[12], 0, 0, '', ARGV[11])
end
for request, count in pairs(dropped) do
  record(ARGV[6] .. request, '', count, 0, '', ARGV[11])
end
out[1] = more
return out
