-- Takes a claim again that was lost with the data of Redis, or was given back while its worker was away and
-- has not been taken by another.
-- KEYS: making, leases of the worker, lock [, permits]
-- ARGV: token, content hash, lease, lock ms, lease ms, clip or nothing
-- Returns 1, or 0 when another has it or has made it.
local holder = redis.call('HGET', KEYS[1], ARGV[2])
if holder and holder ~= ARGV[1] then
  return 0
end
if not holder and ARGV[6] ~= '' and redis.call('EXISTS', ARGV[6]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[4])
if KEYS[4] then
  redis.call('ZADD', KEYS[4], math.floor(clock() / 1000) + tonumber(ARGV[5]), ARGV[1])
end
return 1
