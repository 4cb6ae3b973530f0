-- Ends a claim without a clip.
-- KEYS: leases of the worker, making, lane, pending, lock, books, wake, counts, retry, dead, abandoned,
--       workers, lanes of the book [, permits, rest and state of the engine]
-- ARGV: 1 token, 2 content hash, 3 book, 4 class, 5 suffix of the pool
--       6 what becomes of the job: release (to the head of its lane), retry, dead, dropped, rest (of its engine)
--         or park (a rest that a person has to end)
--       7 payload for the lane, 8 member of retry or dead
--       9 ms until the retry or of the rest, 10 why the engine rests
--       11 failing: the engine may be failing as a whole; answered: it has answered; or nothing
--       12 channel, 13 message or nothing
--       14 request or nothing, 15 request expiry s, 16 failures of an engine before it rests
--       17 first rest in ms, 18 longest rest in ms, 19 failures kept
--       20 the worker that is dead, or nothing, 21 lease ms, 22 ms that a dead sentence is refused, or 0
-- Returns 1, or 0 when the claim had ended before.
local now_ms = math.floor(clock() / 1000)
if ARGV[20] ~= '' then
  -- It may have come back to life.
  local seen = tonumber(redis.call('ZSCORE', KEYS[12], ARGV[20]) or 0)
  if seen + tonumber(ARGV[21]) > now_ms then
    return 0
  end
end
if KEYS[14] then
  redis.call('ZREM', KEYS[14], ARGV[1])
end
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
if redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[1] then
  redis.call('HDEL', KEYS[2], ARGV[2])
end
if redis.call('GET', KEYS[5]) == ARGV[1] then
  redis.call('DEL', KEYS[5])
end
local kind, ms, at_end = ARGV[6], tonumber(ARGV[9]), false
if KEYS[14] then
  -- What was in hand when a rest began belongs to it.
  local is_resting = redis.call('EXISTS', KEYS[15]) == 1
  local rests = tonumber(redis.call('HGET', KEYS[16], 'rests') or 0)
  if ARGV[11] == 'answered' then
    if not is_resting then
      redis.call('DEL', KEYS[16])
    end
  elseif ARGV[11] == 'failing' then
    local failures = redis.call('HINCRBY', KEYS[16], 'failures', 1)
    if failures >= tonumber(ARGV[16]) or rests > 0 then
      -- Another sentence tries next, in case it is this one that the engine stumbles over.
      kind, at_end = 'park', true
    end
  end
  if kind == 'park' then
    local number = is_resting and math.max(rests - 1, 0) or rests
    ms = math.min(tonumber(ARGV[17]) * 2 ^ math.min(number, 20), tonumber(ARGV[18]))
  end
  if kind == 'park' or kind == 'rest' then
    if not is_resting then
      redis.call('HINCRBY', KEYS[16], 'rests', 1)
    end
    if redis.call('PTTL', KEYS[15]) < ms then
      redis.call('SET', KEYS[15], ARGV[10], 'PX', string.format('%.0f', math.max(ms, 1)))
    end
  end
  redis.call('EXPIRE', KEYS[16], 86400)
end
if kind == 'retry' then
  -- One that is noted already does not wait longer.
  redis.call('ZADD', KEYS[9], 'LT', now_ms + ms, ARGV[8])
  redis.call('ZREMRANGEBYRANK', KEYS[9], 0, -tonumber(ARGV[19]) - 1)
elseif kind == 'dead' then
  redis.call('ZADD', KEYS[10], now_ms, ARGV[8])
  redis.call('ZREMRANGEBYRANK', KEYS[10], 0, -tonumber(ARGV[19]) - 1)
  if tonumber(ARGV[22]) > 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[11], '-inf', now_ms)
    redis.call('ZADD', KEYS[11], now_ms + tonumber(ARGV[22]), ARGV[2])
  end
  if ARGV[14] ~= '' then
    record(ARGV[14], '', 0, 1, '', ARGV[15])
  end
elseif kind == 'dropped' then
  if ARGV[14] ~= '' then
    record(ARGV[14], '', 0, 1, '', ARGV[15])
  end
elseif redis.call('SADD', KEYS[4], ARGV[2]) == 1 then
  redis.call(at_end and 'RPUSH' or 'LPUSH', KEYS[3], ARGV[7])
  redis.call('SADD', KEYS[13], ARGV[5])
  redis.call('HINCRBY', KEYS[8], ARGV[4] .. ARGV[5], 1)
  take_place(KEYS[6], KEYS[8], ARGV[5], ARGV[3], ARGV[4])
  if kind == 'release' then
    wake(KEYS[7], 1)
  end
end
if ARGV[13] ~= '' then
  redis.call('PUBLISH', ARGV[12], ARGV[13])
end
return 1
