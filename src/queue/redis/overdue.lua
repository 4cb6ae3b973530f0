-- KEYS: workers, retry    ARGV: lease ms, workers remembered for ms, retries at once, put off for ms
-- Returns the workers that do not renew their leases, and the failed jobs that are due, which are put off
-- until they are in their lanes.
local now_ms = math.floor(clock() / 1000)
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms - tonumber(ARGV[1]))
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now_ms, 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do
  redis.call('ZADD', KEYS[2], now_ms + tonumber(ARGV[4]), member)
end
return { dead, due, string.format('%.0f', now_ms - tonumber(ARGV[2])) }
