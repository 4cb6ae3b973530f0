-- Renews claims of one book. A lock that is gone (evicted, or lost with the data) is taken again, so
-- that nobody else begins what is being made. A claim that was given back meanwhile, or lost with
-- the data, is made again if nobody else has it: lease and locks, or neither.
-- KEYS: leases, then the locks of each claim
-- ARGV: locks a claim, lease ms, lock ms, then token, class and payload of each claim
local each = tonumber(ARGV[1])
local time = redis.call('TIME')
local deadline = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[2]))
local key = 2
for i = 4, #ARGV, 3 do
  local token = ARGV[i]
  local is_ours = true
  for lock = key, key + each - 1 do
    local holder = redis.call('GET', KEYS[lock])
    is_ours = is_ours and (not holder or holder == token)
  end
  if is_ours or redis.call('HEXISTS', KEYS[1], token) == 1 then
    redis.call('HSET', KEYS[1], token, deadline .. ' ' .. ARGV[i + 1] .. ' ' .. ARGV[i + 2])
    for lock = key, key + each - 1 do
      if redis.call('GET', KEYS[lock]) == token then
        redis.call('PEXPIRE', KEYS[lock], ARGV[3])
      else
        redis.call('SET', KEYS[lock], token, 'NX', 'PX', ARGV[3])
      end
    end
  end
  key = key + each
end
