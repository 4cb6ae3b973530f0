-- Ends claims whose clips are stored, and says so.
-- KEYS: leases of the worker, making, then lists that are out of date
-- ARGV: channel, message, worker, head of requests, request expiry s, number of claims n, then n tokens,
-- n content hashes, n locks, n requests or nothing, n numbers of engines or 0, which are negative where the
-- engine was not asked, then permits, rest and state of each engine
local n = tonumber(ARGV[6])
local function list(which)
  return unpack(ARGV, 7 + which * n, 6 + (which + 1) * n)
end
redis.call('HDEL', KEYS[1], list(0))
local makers, holders = redis.call('HMGET', KEYS[2], list(1)), redis.call('MGET', list(2))
local made, stale, done, permits, answers = {}, {}, {}, {}, {}
for i = 1, n do
  local token, request, engine = ARGV[6 + i], ARGV[6 + 3 * n + i], tonumber(ARGV[6 + 4 * n + i])
  -- Never somebody else's: a worker that was too late has lost its claim.
  if makers[i] == token then
    made[#made + 1] = ARGV[6 + n + i]
    if request ~= '' then
      done[request] = (done[request] or 0) + 1
    end
  end
  if holders[i] == token then
    stale[#stale + 1] = ARGV[6 + 2 * n + i]
  end
  if engine ~= 0 then
    local number = math.abs(engine)
    permits[number] = permits[number] or {}
    table.insert(permits[number], token)
    answers[number] = answers[number] or engine > 0
  end
end
for i = 3, #KEYS do
  stale[#stale + 1] = KEYS[i]
end
if #made > 0 then
  redis.call('HDEL', KEYS[2], unpack(made))
end
if #stale > 0 then
  redis.call('DEL', unpack(stale))
end
for engine, tokens in pairs(permits) do
  local at = 6 + 5 * n + 3 * engine - 2
  redis.call('ZREM', ARGV[at], unpack(tokens))
  -- The engine has answered. What was in hand when it began to rest does not end that.
  if answers[engine] and redis.call('EXISTS', ARGV[at + 1]) == 0 then
    redis.call('DEL', ARGV[at + 2])
  end
end
for request, count in pairs(done) do
  record(ARGV[4] .. request, '', count, 0, '', ARGV[5])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
