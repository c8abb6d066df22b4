-- The verbs of hosts and co-hosts on one participant: mute, remove, role. Answers with the target's seat.
local ACTION = {mute = 'mute', remove = 'remove', role = 'set_role'}
local no = refusal() or moderator(ACTION[A.verb])
if no then return {no} end
local t, traw = get(K.seats, A.target)
if not t then return {'not_found'} end
local p = get(K.parts, A.target)
local before = cjson.encode(p)
local known = get(K.known, A.target)
local own = A.target == A.by

local function changed()
  local raw = set(K.parts, A.target, p)
  if raw == before then return end
  emit('changed', {id = A.target, s = t.s, i = t.i, d = raw})
  commit()
end

local verb = {}

function verb.mute()
  if not own and not outranks(p.role) then return {'forbidden'} end
  if A.allow then
    p.ha, p.mu = with(p.ha, A.kind, false), with(p.mu, A.kind, false)
  else
    if A.hard then p.ha = with(p.ha, A.kind, true) end
    if A.hard or has(p.on, A.kind) then p.mu = with(p.mu, A.kind, true) end
    p.on = with(p.on, A.kind, false)
  end
  known.ha = p.ha
  set(K.known, A.target, known)
  changed()
  return {'ok', A.target, traw}
end

-- without takes kinds out of a mask.
local function without(mask, kinds)
  for kind = 1, 4 do
    if has(kinds, kind) then mask = with(mask, kind, false) end
  end
  return mask
end

-- The policy takes kinds away, or gives them back; what the person may have besides is kept in known.full.
function verb.limit()
  if not A.srv then return {'forbidden'} end
  local full = known.full or p.pub
  p.pub = without(full, A.kinds)
  for kind = 1, 4 do
    if not has(p.pub, kind) then p.on = with(p.on, kind, false) end
  end
  known.lim, known.full = A.kinds, full
  if A.kinds == 0 then known.lim, known.full = nil, nil end
  set(K.known, A.target, known)
  changed()
  return {'ok', A.target, traw}
end

function verb.remove()
  if own then return {'conflict'} end
  if not outranks(p.role) then return {'forbidden'} end
  if A.ban then
    if redis.call('SCARD', K.bans) >= C.bans then return {'limit'} end
    redis.call('SADD', K.bans, t.sub)
    redis.call('PEXPIRE', K.bans, num(C.banttl))
  end
  known.rm = 1
  set(K.known, A.target, known)
  unseat(A.target, A.ban and 'banned' or 'removed', t)
  commit()
  return {'ok', A.target, traw}
end

function verb.role()
  if not outranks(p.role) or not outranks(A.role) then
    if not (own and RANK[A.role] < RANK[p.role]) then return {'forbidden'} end -- a co-host may step down
  end
  if p.as == 'guest' and RANK[A.role] >= RANK.cohost then return {'forbidden'} end
  if p.role == 'host' and A.role ~= 'host' and not A.srv then
    local hosts = 0
    for _, raw in ipairs(redis.call('HVALS', K.parts)) do
      if cjson.decode(raw).role == 'host' then hosts = hosts + 1 end
    end
    if hosts == 1 then return {'conflict'} end
  end
  if p.role == A.role then return {'ok', A.target, traw, p.pub} end
  -- A viewer publishes nothing, a presenter and above everything; a participant what the token said, or mic and
  -- camera for somebody who came as a viewer, but nothing where participants listen.
  known.token = known.token or known.full or p.pub
  local pub = A.all
  if A.role == 'viewer' then
    pub = 0
  elseif A.role == 'participant' then
    pub = known.token > 0 and known.token or doc.listen ~= '1' and A.basic or 0
  end
  known.role, known.pub, p.role, p.pub = A.role, pub, A.role, pub
  if known.lim then known.full, p.pub = pub, without(pub, known.lim) end
  for kind = 1, 4 do
    if not has(p.pub, kind) then p.on = with(p.on, kind, false) end
  end
  t.mod = RANK[A.role] >= RANK.cohost and 1 or 0
  traw = set(K.seats, A.target, t)
  set(K.known, A.target, known)
  changed()
  return {'ok', A.target, traw, p.pub}
end

return verb[A.verb]()
