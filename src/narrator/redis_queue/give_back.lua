-- Ends a claim without a result: the job goes to the head of its lane, or nowhere.
-- KEYS: leases, lane, pending, lock [, content lock, books, wake]
-- ARGV: token, book, class, content hash, payload or nothing
-- Returns 1, or 0 when the claim had ended before.
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
for i = 4, 5 do
  if KEYS[i] and redis.call('GET', KEYS[i]) == ARGV[1] then
    redis.call('DEL', KEYS[i])
  end
end
if ARGV[5] ~= '' then
  redis.call('SADD', KEYS[3], ARGV[4])
  redis.call('LPUSH', KEYS[2], ARGV[5])
  if KEYS[6] then
    take_place(KEYS[6], ARGV[2], ARGV[3])
    wake(KEYS[7], 1)
  end
end
return 1
