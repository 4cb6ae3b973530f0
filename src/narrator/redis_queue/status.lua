-- How far a request has come. Of one that is not known, only a total makes one.
-- KEYS: status    ARGV: now, worker or nothing, done more, failed more, total or nothing, expiry s
local key = KEYS[1]
if ARGV[5] ~= '' then
  redis.call('HSETNX', key, 'status', 'queued')
  redis.call('HSET', key, 'total', ARGV[5])
elseif redis.call('EXISTS', key) == 0 then
  return
end
local done = redis.call('HINCRBY', key, 'done', ARGV[3])
local failed = redis.call('HINCRBY', key, 'failed', ARGV[4])
local total = tonumber(redis.call('HGET', key, 'total'))
if ARGV[2] ~= '' then
  redis.call('HSETNX', key, 'started_at', ARGV[1])
  redis.call('HSET', key, 'worker_id', ARGV[2], 'status', 'processing')
end
redis.call('HSET', key, 'progress', math.floor(100 * (done + failed) / math.max(total, 1)))
if done + failed >= total then
  redis.call('HSETNX', key, 'completed_at', ARGV[1])
  redis.call('HSET', key, 'status', failed > 0 and 'failed' or 'completed', 'progress', 100)
end
redis.call('EXPIRE', key, ARGV[6])
