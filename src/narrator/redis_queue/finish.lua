-- Ends claims and says so. On a cluster those of one book.
-- KEYS: of each claim its leases and its locks, then lists that are out of date
-- ARGV: locks a claim, channel, message, then the token of each claim
local each = tonumber(ARGV[1])
local locks, tokens, stale = {}, {}, {}
local key = 1
for i = 4, #ARGV do
  redis.call('HDEL', KEYS[key], ARGV[i])
  for lock = key + 1, key + each do
    locks[#locks + 1] = KEYS[lock]
    tokens[#tokens + 1] = ARGV[i]
  end
  key = key + 1 + each
end
for i = key, #KEYS do
  stale[#stale + 1] = KEYS[i]
end
-- Never somebody else's lock: a worker that was too late has lost it.
local holders = redis.call('MGET', unpack(locks))
for i, lock in ipairs(locks) do
  if holders[i] == tokens[i] then
    stale[#stale + 1] = lock
  end
end
if #stale > 0 then
  redis.call('DEL', unpack(stale))
end
redis.call('PUBLISH', ARGV[2], ARGV[3])
