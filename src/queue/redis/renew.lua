-- Says that a worker lives, which renews all its leases; renews its permits and the locks given.
-- KEYS: workers, leases of the worker, then permits of each claim that has one, then locks
-- ARGV: worker, lease ms, lock ms, number of permits, then the token of each permit and of each lock
-- Returns the tokens of its leases.
local now_ms = math.floor(clock() / 1000)
redis.call('ZADD', KEYS[1], now_ms, ARGV[1])
local permits = tonumber(ARGV[4])
for i = 3, #KEYS do
  local token = ARGV[i + 2]
  if i < 3 + permits then
    redis.call('ZADD', KEYS[i], 'XX', now_ms + tonumber(ARGV[2]), token)
  else
    if redis.call('GET', KEYS[i]) == token then
      redis.call('PEXPIRE', KEYS[i], ARGV[3])
    end
  end
end
return redis.call('HKEYS', KEYS[2])
