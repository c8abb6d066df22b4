-- Join takes a seat. KEYS[11] remembers the room token's id: it is consumed only when the join succeeds.
local used = redis.call('GET', KEYS[11])
if used then
  -- The answer to the same session's join may have been lost on the way: it is given again.
  local s = running and used == A.session and get(K.seats, A.id)
  if not s or s.s ~= A.session then return {'token_used'} end
  local p = get(K.parts, A.id)
  return {'ok', p.n, s.v, s.node, s.e, p.role, '', 0, snapshot()}
end
if redis.call('SISMEMBER', K.bans, A.sub) == 1 then return {'banned'} end
if outdated() then return {'ended'} end

local begins = not running
if begins then
  if A.new == '' then return {'lobby_required'} end
  if not exists or doc.ended == '1' then create() end
elseif doc.e2ee ~= A.e2ee then
  return {'conflict'}
end

local locked = doc.locked == '1'
if begins then locked = A.locked == 1 end -- the room's own lock
local known, was = get(K.known, A.id)
known = known or {e = tonumber(doc.base), v = 0, ha = 0, role = '', rm = 0}
if known.rm == 1 then return {'removed'} end
local old, oldraw = get(K.seats, A.id)
local seats = redis.call('HLEN', K.seats)
local role = known.role ~= '' and known.role or A.role
if not old then
  if locked and not A.bypass and role ~= 'host' then return {'locked'} end
  if seats >= A.max then return {'full'} end
  if not was and redis.call('HLEN', K.known) >= C.known then return {'limit'} end
end

if begins then
  put('meeting', A.new)
  put('title', A.title)
  put('class', A.class)
  put('e2ee', A.e2ee)
  put('locked', num(A.locked))
  put('screens', num(A.screens))
  put('listen', num(A.listen))
  put('started', num(now))
end
if doc.home == '' or seats == 0 then
  put('home', A.node)
  put('home_epoch', num(tonumber(doc.home_epoch) + 1))
end
if not known.n then
  known.n = tonumber(doc.numbers) + 1
  put('numbers', num(known.n))
end
known.e = known.e + 1
known.v = known.v + 1
known.lim, known.full = nil, nil -- the instance that now holds the person looks anew
if known.e > tonumber(doc.top) then put('top', num(known.e)) end
put('empty', '0')
set(K.known, A.id, known)

-- A role a host gave here outlives the token that comes back with another.
local pub, mod = A.pub, A.mod
if known.role ~= '' then
  pub = known.pub
  mod = RANK[known.role] >= RANK.cohost and 1 or 0
end
local p = get(K.parts, A.id) or {hand = 0, at = now, mu = 0}
p.id, p.name, p.role, p.as, p.n = A.id, A.name, role, A.as, known.n
p.pub, p.ha, p.away, p.on = pub, known.ha, 0, 0
for kind = 1, 4 do
  if has(known.ha, kind) then
    p.mu = with(p.mu, kind, true)
  elseif has(A.on, kind) and has(pub, kind) then
    p.on = with(p.on, kind, true)
    p.mu = with(p.mu, kind, false)
  end
end
local raw = set(K.parts, A.id, p)
set(K.seats, A.id, {s = A.session, v = known.v, sub = A.sub, i = A.instance, node = doc.home, e = known.e,
  ['until'] = 0, chat = A.chat, mod = mod})
redis.call('SET', KEYS[11], A.session, 'PX', num(A.jtims))

if begins then
  emit('started', {d = cjson.encode({meeting = A.new, title = A.title, class = A.class, e2ee = tonumber(A.e2ee), locked = A.locked})})
end
emit(old and 'changed' or 'joined', {id = A.id, s = A.session, i = A.instance, d = raw})
commit()
return {'ok', known.n, known.v, doc.home, known.e, role, oldraw or '', begins and 1 or 0, snapshot()}
