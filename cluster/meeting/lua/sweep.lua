-- Sweep lets time act on a room: away seats expire, an empty meeting ends, and the seats and waiters of the instance
-- A.dead (if any) lose their socket. Answers {ok, ms until it should be swept again (-1: never), instances...}.
if not exists or doc.ended == '1' then return {'ok', -1} end
local before = version
local soonest = now + C.sweep
local instances = {}

local all = redis.call('HGETALL', K.seats)
for i = 1, #all, 2 do
  local id, s = all[i], cjson.decode(all[i + 1])
  if s['until'] == 0 and s.i == A.dead then
    s['until'] = now + C.keep
    set(K.seats, id, s)
    local p = get(K.parts, id)
    p.away = 1
    local raw = set(K.parts, id, p)
    emit('changed', {id = id, s = s.s, i = s.i, d = raw})
  end
  if s['until'] == 0 then
    instances[s.i] = true
  elseif s['until'] <= now then
    unseat(id, 'expired', s)
  else
    soonest = math.min(soonest, s['until'])
  end
end

local waiting = 0
all = redis.call('HGETALL', K.waiters)
for i = 1, #all, 2 do
  local w = cjson.decode(all[i + 1])
  if w.i == A.dead then
    redis.call('HDEL', K.waiters, all[i])
    emit('waiter_gone', {id = all[i], reason = 'left', i = w.i, sub = ''})
  else
    waiting = waiting + 1
    instances[w.i] = true
  end
end

if running and doc.empty ~= '0' then
  local due = tonumber(doc.empty) + C.grace
  if due <= now then
    finish('empty')
  else
    soonest = math.min(soonest, due)
  end
end
if version ~= before then
  commit()
else
  for i = 1, LASTING do redis.call('PEXPIRE', KEYS[i], num(C.livettl)) end
end
if doc.ended == '1' or (not running and waiting == 0) then return {'ok', -1} end
local out = {'ok', math.max(soonest - now, 1)}
for i in pairs(instances) do out[#out + 1] = i end
return out
