-- Claims jobs of one book: pop, look into the cache, lock, lease.
-- ARGV: heads of the keys (1 prefetch lane, 2 chapter lane, 3 and 4 their pending, 5 leases, 6 audio,
-- 7 lock, 8 content lock or nothing), 9 worker, 10 first serial, 11 lease ms, 12 lock ms
local LANE = { prefetch = ARGV[1], chapter = ARGV[2] }
local PENDING = { prefetch = ARGV[3], chapter = ARGV[4] }
local serial = tonumber(ARGV[10])
local deadline

-- Appends token, class and payload of each claim to `out`, and of what is dropped, because it is there
-- or being made, the request it belongs to; returns how many claims there are.
local function take(book, class, quota, out)
  local payloads = redis.call('LPOP', LANE[class] .. book .. '}', quota)
  if not payloads then
    return 0
  end
  local contents, leases = {}, {}
  for _, payload in ipairs(payloads) do
    -- What is not ours is dropped: an error here would lose what was popped with it.
    local is_json, job = pcall(cjson.decode, payload)
    if is_json and type(job) == 'table' and job.contentHash and job.clip then
      contents[#contents + 1] = job.contentHash
      local clip = book .. '}:' .. job.clip
      local token = ARGV[9] .. string.format('%.0f', serial)
      local is_claimed = false
      if redis.call('EXISTS', ARGV[6] .. clip) == 0
          and redis.call('SET', ARGV[7] .. clip, token, 'NX', 'PX', ARGV[12]) then
        if ARGV[8] == ''
            or redis.call('SET', ARGV[8] .. job.contentHash .. '}', token, 'NX', 'PX', ARGV[12]) then
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
      if not is_claimed and job.requestId then
        out[#out + 1] = ''
        out[#out + 1] = 'dropped'
        out[#out + 1] = job.requestId
      end
    end
  end
  if #contents > 0 then
    redis.call('SREM', PENDING[class] .. book .. '}', unpack(contents))
  end
  if #leases > 0 then
    redis.call('HSET', ARGV[5] .. book .. '}', unpack(leases))
  end
  return #leases / 2
end
