-- Appends jobs to a lane, without those that wait there: ARGV[from], ARGV[from + 1] are content hash
-- and payload of the first, and so on up to ARGV[to]. Returns how many, and whether all fitted.
local CHUNK = 1000 -- jobs at once: Lua unpacks no more than some thousands of arguments

local function append(lane, pending, room, from, to)
  local added, fitted = 0, true
  for first = from, to, 2 * CHUNK do
    local contents = {}
    for i = first, math.min(first + 2 * CHUNK - 1, to), 2 do
      contents[#contents + 1] = ARGV[i]
    end
    local waits = redis.call('SMISMEMBER', pending, unpack(contents))
    local fresh, payloads = {}, {}
    for i = 1, #contents do
      if waits[i] == 0 and added + #fresh < room then
        fresh[#fresh + 1] = contents[i]
        payloads[#payloads + 1] = ARGV[first + 2 * i - 1]
      elseif waits[i] == 0 then
        fitted = false
      end
    end
    if #fresh > 0 then
      redis.call('SADD', pending, unpack(fresh))
      redis.call('RPUSH', lane, unpack(payloads))
      added = added + #fresh
    end
  end
  return added, fitted
end
