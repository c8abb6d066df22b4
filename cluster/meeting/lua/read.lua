-- Read answers with the snapshot, or with the seats.
if A.seats then
  local no = refusal()
  if no then return {no} end
  return {'ok', redis.call('HGETALL', K.seats)}
end
if not exists then return {'not_found'} end
if doc.ended == '1' then return {'ended'} end
return {'ok', snapshot()}
