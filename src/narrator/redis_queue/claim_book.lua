-- Claims from one book, where a script reaches no other.
-- KEYS: leases    ARGV: as take.lua has them, then 13 how many, 14 book, 15 class
-- Returns the lengths of both lanes, then token, class and payload of each claim.
deadline = string.format('%.0f', math.floor(clock() / 1000) + tonumber(ARGV[11]))
local book = ARGV[14]
local out = { 0, 0 }
take(book, ARGV[15], tonumber(ARGV[13]), out)
out[1] = redis.call('LLEN', LANE.prefetch .. book .. '}')
out[2] = redis.call('LLEN', LANE.chapter .. book .. '}')
return out
