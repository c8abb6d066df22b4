-- Move gives a participant the next placement epoch: compare-and-set. The first who leaves the home node takes the
-- home along; the others follow it.
local no = refusal()
if no then return {no} end
local s = get(K.seats, A.id)
if not s then return {'not_found'} end
if s.e ~= A.from then return {'stale'} end
if s.node == doc.home and doc.home ~= A.node then
  put('home', A.node)
  put('home_epoch', num(tonumber(doc.home_epoch) + 1))
end
s.node, s.e = doc.home, s.e + 1
set(K.seats, A.id, s)
local known = get(K.known, A.id)
known.e = s.e
set(K.known, A.id, known)
if s.e > tonumber(doc.top) then put('top', num(s.e)) end
emit('moved', {id = A.id, s = s.s, i = s.i, node = s.node, e = num(s.e)})
commit()
return {'ok', s.node, s.e}
