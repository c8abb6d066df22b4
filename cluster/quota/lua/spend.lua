-- A bucket that a minute fills. KEYS: the bucket ("left:at"). ARGV: what it holds. Answers how long to wait, in milliseconds.
local most = tonumber(ARGV[1])
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local left = most
local raw = redis.call('GET', KEYS[1])
if raw then
  local l, at = string.match(raw, '^([%d.]+):(%d+)$')
  left = math.min(most, tonumber(l) + math.max(0, now - tonumber(at)) / 60000 * most)
end
local wait = 0
if left < 1 then wait = math.ceil((1 - left) / most * 60000) else left = left - 1 end
redis.call('SET', KEYS[1], string.format('%.6f:%.0f', left, now), 'PX', 120000)
return wait
