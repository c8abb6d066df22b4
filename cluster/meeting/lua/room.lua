-- The verbs of hosts and co-hosts on the room: lock, end; and the deployment's word that the room was changed: facts.
local no = refusal() or moderator(A.verb)
if no then return {no} end
if A.verb == 'end' then
  finish('ended')
  put('ended_at', num(now))
  commit()
  return {'ok'}
end
if A.verb == 'facts' then
  if not A.srv then return {'forbidden'} end
  if doc.title ~= A.title or doc.class ~= A.class then
    put('title', A.title)
    put('class', A.class)
    emit('facts', {d = cjson.encode({title = A.title, class = A.class})})
    commit()
  end
  return {'ok'}
end
local locked = A.locked and '1' or '0'
if doc.locked ~= locked then
  put('locked', locked)
  emit('locked', {d = locked})
  commit()
end
return {'ok'}
