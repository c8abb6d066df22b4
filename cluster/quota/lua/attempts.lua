-- Attempts at keys, of one shard of a purpose. KEYS: states by field ("count:last:until"), fields by
-- last use, or by the end of their wait: who fills the memory with other keys must not free those that wait.
-- ARGV: verb, field, attempts counted elsewhere meanwhile, then of throttle.Options: free, base, max, forget, most; times in
-- milliseconds. Answers how long to wait, the count, and how long the next one will have to wait.
local verb, field, owed = ARGV[1], ARGV[2], tonumber(ARGV[3])
local free, base, max, forget, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)

local count, last, till = 0, now, 0
local raw = redis.call('HGET', KEYS[1], field)
if raw then
  local c, l, u = string.match(raw, '^(%d+):(%d+):(%d+)$')
  count, last, till = tonumber(c), tonumber(l), tonumber(u)
  if now - last > forget and now >= till then count, till = 0, 0 end
end

local function wait(n)
  local over = n - free
  if over < 0 then return 0 end
  if over < 30 and base * 2 ^ over < max then return base * 2 ^ over end
  return max
end

if verb == 'reset' then
  redis.call('HDEL', KEYS[1], field)
  redis.call('ZREM', KEYS[2], field)
  return {0, 0, 0}
end
if verb == 'refund' then
  if not raw then return {0, 0, 0} end
  count, till = math.max(0, count - 1), 0
end

local left = 0
if verb == 'take' then
  if owed > 0 then
    count = count + owed
    till = math.max(till, now + wait(count))
  end
  if now < till then
    left = till - now
  else
    count = count + 1
    if wait(count) > 0 then till = now + wait(count) end
  end
  if left == 0 or owed > 0 then last = now end
end

if not raw then
  while redis.call('ZCARD', KEYS[2]) >= most do
    local oldest = redis.call('ZPOPMIN', KEYS[2])
    redis.call('HDEL', KEYS[1], oldest[1])
  end
end
redis.call('HSET', KEYS[1], field, string.format('%.0f:%.0f:%.0f', count, last, till))
redis.call('ZADD', KEYS[2], math.max(now, till), field)
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], string.format('%.0f', forget + max)) end
return {math.ceil(left), count, math.max(0, math.ceil(till - now))}
