-- Chat says a line; a repeat of (participant, id) is accepted and not stored twice.
local no = refusal() or actor()
if no then return {no} end
if seat.chat ~= 1 then return {'forbidden'} end
local id = A.by .. ':' .. A.id
if redis.call('SADD', K.chatids, id) == 0 then return {'ok'} end
local raw = cjson.encode({id = A.id, p = A.by, name = me.name, text = A.text, at = now})
redis.call('RPUSH', K.chat, raw)
while redis.call('LLEN', K.chat) > C.chat do
  local gone = cjson.decode(redis.call('LPOP', K.chat))
  redis.call('SREM', K.chatids, gone.p .. ':' .. gone.id)
end
emit('chat', {d = raw})
commit()
return {'ok'}
