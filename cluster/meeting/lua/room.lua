-- The verbs of hosts and co-hosts on the room: lock, end.
local no = refusal() or moderator(A.verb)
if no then return {no} end
if A.verb == 'end' then
  finish('ended')
  put('ended_at', num(now))
  commit()
  return {'ok'}
end
local locked = A.locked and '1' or '0'
if doc.locked ~= locked then
  put('locked', locked)
  emit('locked', {d = locked})
  commit()
end
return {'ok'}
