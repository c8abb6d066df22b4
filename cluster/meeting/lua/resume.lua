-- Resume takes a seat up again from another socket.
if exists and A.meeting ~= '' and doc.meeting ~= A.meeting then return {'ended'} end
local no = refusal()
if no then return {no} end
local s = get(K.seats, A.id)
if not s then
  local known = get(K.known, A.id)
  if known and known.rm == 1 then return {'removed'} end
  return {'not_found'}
end
if s.s ~= A.session or s.v ~= A.v then return {'stale'} end

local old = s.i
local p = get(K.parts, A.id)
if s['until'] > 0 or old ~= A.instance then
  s.i, s['until'], p.away = A.instance, 0, 0
  set(K.seats, A.id, s)
  local raw = set(K.parts, A.id, p)
  emit('changed', {id = A.id, s = s.s, i = s.i, d = raw})
  commit()
end
return {'ok', old, s.node, s.e, p.n, p.role, snapshot()}
