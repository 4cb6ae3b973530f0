-- Renews claims of one book: the lease while it is there, and the locks also when they are gone
-- (evicted, or lost with the data), so that nobody else begins what is being made.
-- KEYS: leases, then the locks of each claim
-- ARGV: locks a claim, lease ms, lock ms, then the token of each claim
local each = tonumber(ARGV[1])
local time = redis.call('TIME')
local deadline = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[2]))
local key = 2
for i = 4, #ARGV do
  local lease = redis.call('HGET', KEYS[1], ARGV[i])
  if lease then
    redis.call('HSET', KEYS[1], ARGV[i], deadline .. string.sub(lease, #deadline + 1))
  end
  for _ = 1, each do
    local holder = redis.call('GET', KEYS[key])
    if holder == ARGV[i] then
      redis.call('PEXPIRE', KEYS[key], ARGV[3])
    elseif not holder then
      redis.call('SET', KEYS[key], ARGV[i], 'NX', 'PX', ARGV[3])
    end
    key = key + 1
  end
end
