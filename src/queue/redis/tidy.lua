-- Drops from a lane what was withdrawn, so that a lane is no longer than what waits in it and what is put in again is
-- not taken as it was the first time.
-- KEYS: lane, pending    ARGV: the longest lane that is looked through whatever it costs
-- Returns how many payloads went.
local SOME = 1000 -- as many as Lua unpacks without trouble
local length, waiting = redis.call('LLEN', KEYS[1]), redis.call('SCARD', KEYS[2])
if length <= waiting or (length > tonumber(ARGV[1]) and length < 2 * waiting) then
  return 0
end
local payloads = redis.call('LRANGE', KEYS[1], 0, -1)
local seen, kept = {}, {}
-- Of a sentence that is there twice the last payload was put in when it began to wait.
for i = length, 1, -SOME do
  local contents, some = {}, {}
  for at = i, math.max(i - SOME + 1, 1), -1 do
    local content = string.match(payloads[at], '^{"contentHash":"(%x+)"')
    if content and not seen[content] then
      seen[content] = true
      contents[#contents + 1] = content
      some[#some + 1] = payloads[at]
    end
  end
  if #contents > 0 then
    local waits = redis.call('SMISMEMBER', KEYS[2], unpack(contents))
    for at, payload in ipairs(some) do
      if waits[at] == 1 then
        kept[#kept + 1] = payload
      end
    end
  end
end
redis.call('DEL', KEYS[1])
for i = 1, #kept, SOME do
  redis.call('LPUSH', KEYS[1], unpack(kept, i, math.min(i + SOME - 1, #kept)))
end
return length - #kept
