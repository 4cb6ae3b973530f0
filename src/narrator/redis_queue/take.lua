-- Claims jobs of one book: pop, look into the cache, lock, lease.
-- ARGV: heads of the keys (1 prefetch lane, 2 chapter lane, 3 and 4 their pending, 5 leases, 6 audio,
-- 7 lock, 8 content lock or nothing), 9 worker, 10 first serial, 11 lease ms, 12 lock ms
local LANE = { prefetch = ARGV[1], chapter = ARGV[2] }
local PENDING = { prefetch = ARGV[3], chapter = ARGV[4] }
local serial = tonumber(ARGV[10])
local deadline

-- How many a lane still has; `got` of the `quota` asked for were there.
local function left(lane, got, quota)
  return got < quota and 0 or redis.call('LLEN', lane)
end

-- Appends token, class and payload of each claim to `out`, and of what is dropped, because it is there
-- or being made, the request it belongs to. Returns how many claims there are, and how many jobs the lane
-- still has.
local function take(book, class, quota, out)
  local payloads = redis.call('LPOP', LANE[class] .. book .. '}', quota)
  if not payloads then
    return 0, 0
  end
  local contents, leases = {}, {}
  for _, payload in ipairs(payloads) do
    -- A payload begins with what is needed here; to parse it whole would cost as much as the rest.
    -- What is not ours is dropped: an error here would lose what was popped with it.
    local content, name = string.match(payload, '^{"contentHash":"(%x+)","clip":"([^"\\]+)"')
    if content then
      contents[#contents + 1] = content
      local clip = book .. '}:' .. name
      local token = ARGV[9] .. string.format('%.0f', serial)
      local is_claimed = false
      if redis.call('EXISTS', ARGV[6] .. clip) == 0
          and redis.call('SET', ARGV[7] .. clip, token, 'NX', 'PX', ARGV[12]) then
        if ARGV[8] == ''
            or redis.call('SET', ARGV[8] .. content .. '}', token, 'NX', 'PX', ARGV[12]) then
          is_claimed = true
          serial = serial + 1
          leases[#leases + 1] = token
          leases[#leases + 1] = deadline .. ' ' .. class .. ' ' .. payload
          out[#out + 1] = token
          out[#out + 1] = class
          out[#out + 1] = payload
        else
          redis.call('DEL', ARGV[7] .. clip)
        end
      end
      -- Quotation marks within the text are escaped, so this is no part of it.
      local request = not is_claimed and string.match(payload, '"requestId":"([^"\\]+)"')
      if request then
        out[#out + 1] = ''
        out[#out + 1] = 'dropped'
        out[#out + 1] = request
      end
    end
  end
  if #contents > 0 then
    redis.call('SREM', PENDING[class] .. book .. '}', unpack(contents))
  end
  if #leases > 0 then
    redis.call('HSET', ARGV[5] .. book .. '}', unpack(leases))
  end
  return #leases / 2, left(LANE[class] .. book .. '}', #payloads, quota)
end
