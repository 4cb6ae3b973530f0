-- Appends jobs to a lane, without those that wait there and those that are refused.
-- KEYS: lane, pending, books, wake, lanes of the book, counts, abandoned
-- ARGV: book, class, suffix of the pool, lane limit, book limit, then content hash and payload of each job
-- Returns how many were added and whether some were left out, or -2 when there are too many books.
local lane, pending, books, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[6]
if not redis.call('ZSCORE', books, ARGV[1]) and redis.call('ZCARD', books) >= tonumber(ARGV[5]) then
  return { -2, 0 }
end
local waiting = redis.call('SCARD', pending)
if waiting > 0 and redis.call('LLEN', lane) == 0 then
  -- The lane was deleted by hand.
  redis.call('DEL', pending)
  redis.call('HINCRBY', counts, ARGV[2] .. ARGV[3], -waiting)
  waiting = 0
end
local contents = {}
for i = 6, #ARGV, 2 do
  contents[#contents + 1] = ARGV[i]
end
local waits = redis.call('SMISMEMBER', pending, unpack(contents))
local refused = {}
if redis.call('EXISTS', KEYS[7]) == 1 then
  local now = math.floor(clock() / 1000)
  for i, until_ms in ipairs(redis.call('ZMSCORE', KEYS[7], unpack(contents))) do
    refused[i] = until_ms and tonumber(until_ms) > now
  end
end
local room = tonumber(ARGV[4]) - waiting
local fresh, payloads, full = {}, {}, 0
for i = 1, #contents do
  if waits[i] == 0 and not refused[i] then
    if #fresh < room then
      fresh[#fresh + 1] = contents[i]
      payloads[#payloads + 1] = ARGV[5 + 2 * i]
    else
      full = 1
    end
  end
end
if #fresh > 0 then
  redis.call('SADD', pending, unpack(fresh))
  redis.call('RPUSH', lane, unpack(payloads))
  redis.call('SADD', KEYS[5], ARGV[3])
  redis.call('HINCRBY', counts, ARGV[2] .. ARGV[3], #fresh)
  take_place(books, counts, ARGV[3], ARGV[1], ARGV[2])
  wake(KEYS[4], #fresh)
end
return { #fresh, full }
