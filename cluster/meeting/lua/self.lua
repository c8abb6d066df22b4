-- What participants change of themselves: a source (A.kind), or the hand (A.hand).
local no = refusal() or actor()
if no then return {no} end
local before = cjson.encode(me)
if A.kind then
  if not has(me.pub, A.kind) then return {'forbidden'} end
  if A.on and has(me.ha, A.kind) then return {'forbidden'} end
  me.on = with(me.on, A.kind, A.on)
  if A.on then me.mu = with(me.mu, A.kind, false) end
elseif A.hand and me.hand == 0 then
  me.hand = now
elseif not A.hand then
  me.hand = 0
end
if cjson.encode(me) == before then return {'ok'} end
local raw = set(K.parts, A.by, me)
emit('changed', {id = A.by, s = seat.s, i = seat.i, d = raw})
commit()
return {'ok'}
