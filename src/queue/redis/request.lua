-- Adds to the counters of a request. Of one that is not known, only a total makes one.
local function record(key, worker, done, failed, total, expiry)
  if total ~= '' then
    redis.call('HSETNX', key, 'status', 'queued')
    redis.call('HSET', key, 'total', total)
  elseif redis.call('EXISTS', key) == 0 then
    return
  end
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  done = redis.call('HINCRBY', key, 'done', done)
  failed = redis.call('HINCRBY', key, 'failed', failed)
  total = tonumber(redis.call('HGET', key, 'total') or 0)
  if worker ~= '' then
    redis.call('HSETNX', key, 'started_at', now)
    redis.call('HSET', key, 'worker_id', worker, 'status', 'processing')
  end
  redis.call('HSET', key, 'progress', math.min(100, math.floor(100 * (done + failed) / math.max(total, 1))))
  if done + failed >= total then
    redis.call('HSETNX', key, 'completed_at', now)
    redis.call('HSET', key, 'status', failed > 0 and 'failed' or 'completed', 'progress', 100)
  end
  redis.call('EXPIRE', key, expiry)
end
