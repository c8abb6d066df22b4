-- What participants change of themselves: a source (A.kind), or the hand (A.hand).
local no = refusal() or actor()
if no then return {no} end
local SCREEN = 3
local before = cjson.encode(me)
if A.kind then
  if not has(me.pub, A.kind) then return {'forbidden'} end
  if A.on and has(me.ha, A.kind) then return {'forbidden'} end
  if A.on and A.kind == SCREEN and not has(me.on, SCREEN) then
    local shared = 0
    for _, raw in ipairs(redis.call('HVALS', K.parts)) do
      if has(cjson.decode(raw).on, SCREEN) then shared = shared + 1 end
    end
    -- the room's number, but never more than the deployment's, which may have been lowered since
    if shared >= math.min(tonumber(doc.screens or C.screens), C.screens) then return {'screens'} end
  end
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
