-- The door: enter, leave, admit, decline. The room need not have begun to be waited for.
local verb = {}

local function gone(id, reason, w, word)
  redis.call('HDEL', K.waiters, id)
  emit('waiter_gone', {id = id, reason = reason, i = w.i, d = word or ''})
  commit()
end

function verb.enter()
  if redis.call('SISMEMBER', K.bans, A.waiter.sub) == 1 then return {'banned'} end
  local known = A.pid ~= '' and get(K.known, A.pid)
  if known and known.rm == 1 then return {'removed'} end
  if outdated() then return {'ended'} end
  if not exists or doc.ended == '1' then create() end
  local w = A.waiter
  local old = get(K.waiters, w.id)
  if not old and redis.call('HLEN', K.waiters) >= C.waiters then return {'full'} end
  if old and old.sub ~= w.sub then return {'conflict'} end
  w.at = old and old.at or now
  local raw = set(K.waiters, w.id, w)
  emit('waiter', {id = w.id, i = w.i, d = raw})
  commit()
  local host = 0
  for _, p in ipairs(redis.call('HVALS', K.parts)) do
    p = cjson.decode(p)
    if RANK[p.role] >= RANK.cohost and p.away == 0 then host = 1 end
  end
  return {'ok', doc.title, host, version}
end

function verb.leave()
  local w = get(K.waiters, A.id)
  if not w then return {'not_found'} end
  if A.instance ~= '' and w.i ~= A.instance then return {'stale'} end -- the person waits on another socket now
  gone(A.id, 'left', w)
  return {'ok'}
end

function verb.admit()
  local no = refusal() or moderator('admit')
  if no then return {no} end
  local w, raw = get(K.waiters, A.id)
  if not w then return {'not_found'} end
  gone(A.id, 'admitted', w, A.word)
  return {'ok', raw}
end

function verb.decline()
  local no = refusal() or moderator('admit')
  if no then return {no} end
  local w, raw = get(K.waiters, A.id)
  if not w then return {'not_found'} end
  if A.ban then
    if redis.call('SCARD', K.bans) >= C.bans then return {'limit'} end
    redis.call('SADD', K.bans, w.sub)
    redis.call('PEXPIRE', K.bans, num(C.banttl))
  end
  gone(A.id, A.ban and 'banned' or 'declined', w)
  return {'ok', raw}
end

return verb[A.verb]()
