-- Takes jobs out of a lane: what is in the lane and not in its pending set is passed over.
-- KEYS: pending, counts [, version of the listeners]    ARGV: class and suffix of the pool, version or nothing, then content hashes
-- Returns 1, or 0 when a listener has moved since that version.
if KEYS[3] and (redis.call('GET', KEYS[3]) or '0') ~= ARGV[2] then
  return 0
end
if #ARGV > 2 then
  local removed = redis.call('SREM', KEYS[1], unpack(ARGV, 3))
  if removed > 0 then
    redis.call('HINCRBY', KEYS[2], ARGV[1], -removed)
  end
end
return 1
