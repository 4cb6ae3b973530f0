-- KEYS: request    ARGV: worker or nothing, done more, failed more, total or nothing, expiry s
record(KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
