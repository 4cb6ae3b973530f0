-- Ends claims of one book and says so.
-- KEYS: leases, then the locks of each claim, then lists that are out of date
-- ARGV: locks a claim, channel, message, then the token of each claim
local each = tonumber(ARGV[1])
local key = 2
for i = 4, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[i])
  for _ = 1, each do
    -- Never somebody else's: a worker that was too late has lost its lock.
    if redis.call('GET', KEYS[key]) == ARGV[i] then
      redis.call('DEL', KEYS[key])
    end
    key = key + 1
  end
end
for i = key, #KEYS do
  redis.call('DEL', KEYS[i])
end
redis.call('PUBLISH', ARGV[2], ARGV[3])
