-- Forgets of sentences that they are being made which are on no worker's lease: nobody would ever end them.
-- KEYS: making    ARGV: head of the leases of workers
-- Returns how many there were.
local making = redis.call('HGETALL', KEYS[1])
local orphans = {}
for i = 1, #making, 2 do
  local token = making[i + 1]
  local worker = string.match(token, '^(.*):')
  if worker and redis.call('HEXISTS', ARGV[1] .. worker, token) == 0 then
    orphans[#orphans + 1] = making[i]
  end
end
for i = 1, #orphans, 1000 do
  redis.call('HDEL', KEYS[1], unpack(orphans, i, math.min(i + 999, #orphans)))
end
return #orphans
