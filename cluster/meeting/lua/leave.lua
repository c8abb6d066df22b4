-- Leave gives a seat up (A.keep = 0), or marks it away for A.keep milliseconds.
local no = refusal()
if no then return {no} end
local s = get(K.seats, A.id)
if not s then return {'not_found'} end
if s.s ~= A.session then return {'stale'} end
if A.keep == 0 then
  unseat(A.id, A.reason, s)
  commit()
  return {'ok'}
end
-- The socket that broke may not be the one that carries the session now.
if A.instance ~= '' and s.i ~= A.instance then return {'stale'} end
if s['until'] == 0 then
  s['until'] = now + A.keep
  set(K.seats, A.id, s)
  local p = get(K.parts, A.id)
  p.away = 1
  local raw = set(K.parts, A.id, p)
  emit('changed', {id = A.id, s = s.s, i = s.i, d = raw})
  commit()
end
return {'ok'}
