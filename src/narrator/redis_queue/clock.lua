-- KEYS: any of the node    Returns its time in ms.
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
