-- The shared beginning of every meeting script. KEYS are the room's keys in the order of keys.go; ARGV[1] holds the
-- store's bounds, ARGV[2] the call's arguments, both as JSON objects. A script answers {code, ...}.
--
-- JSON kept in Redis has numbers and strings only, never an empty table: cjson cannot tell {} from [].
-- Sets of media kinds are bit masks (bit = kind).
local K = {doc = KEYS[1], gen = KEYS[2], parts = KEYS[3], seats = KEYS[4], known = KEYS[5], waiters = KEYS[6],
  chat = KEYS[7], chatids = KEYS[8], events = KEYS[9], bans = KEYS[10]}
local LASTING = 9 -- KEYS up to here live and die with the meeting; bans outlive it
local C, A = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])

local function num(n) return string.format('%.0f', n) end

local now
do
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local doc = {}
do
  local flat = redis.call('HGETALL', K.doc)
  for i = 1, #flat, 2 do doc[flat[i]] = flat[i + 1] end
end
local gen = redis.call('GET', K.gen)
local exists = doc.version ~= nil
local version = tonumber(doc.version or '0')
-- A document without its generation key comes from a Redis that lost writes: nobody changes it before those who
-- hold newer copies have reported.
if exists and not gen then return {'unavailable'} end

local running = exists and doc.meeting ~= '' and doc.ended == '0'

local function refusal()
  if exists and doc.ended == '1' then return 'ended' end
  if not running then return 'not_found' end
end

-- What was issued before a host ended the meeting (A.iat, rounded down to a second)
-- opens neither the next one nor its door.
local function outdated() return A.iat > 0 and A.iat + 1000 <= tonumber(doc.ended_at or '0') end

local function put(field, value)
  doc[field] = value
  redis.call('HSET', K.doc, field, value)
end

local function get(key, id)
  local raw = redis.call('HGET', key, id)
  if raw then return cjson.decode(raw), raw end
end

local function set(key, id, t)
  local raw = cjson.encode(t)
  redis.call('HSET', key, id, raw)
  return raw
end

local function has(mask, kind) return math.floor(mask / 2 ^ kind) % 2 == 1 end
local function with(mask, kind, on)
  if has(mask, kind) == on then return mask end
  if on then return mask + 2 ^ kind end
  return mask - 2 ^ kind
end

-- emit appends one event; commit must follow before the script answers.
local function emit(kind, fields)
  version = version + 1
  local args = {'XADD', K.events, 'MAXLEN', '=', num(C.events), num(version) .. '-0',
    'k', kind, 'g', gen, 't', num(now), 'by', A.by or ''}
  for k, v in pairs(fields) do
    args[#args + 1] = k
    args[#args + 1] = v
  end
  redis.call(unpack(args))
end

local function commit()
  put('version', num(version))
  local ttl = num(doc.ended == '1' and C.endedttl or C.livettl)
  for i = 1, LASTING do redis.call('PEXPIRE', KEYS[i], ttl) end
  redis.call('PUBLISH', C.wake, num(version))
end

-- create begins a new life of the document. While the old one is readable, versions and epochs go on from it.
local function create()
  if not exists then
    for i = 1, LASTING do redis.call('DEL', KEYS[i]) end
  end
  gen = num(math.max(tonumber(gen or '0') + 1, now))
  redis.call('SET', K.gen, gen)
  local fresh = {meeting = '', title = '', class = '', e2ee = '0', locked = '0', numbers = '0', home = '',
    home_epoch = doc.home_epoch or '0', base = doc.top or '0', top = doc.top or '0', started = '0', empty = '0',
    ended = '0', version = num(version)}
  for k, v in pairs(fresh) do put(k, v) end
  exists, running = true, false
end

-- Who asks.
local seat, me
local function actor()
  if A.srv then return end
  seat = get(K.seats, A.by)
  if not seat then return 'not_found' end
  if seat.s ~= A.session then return 'stale' end
  me = get(K.parts, A.by)
end

local RANK = {host = 5, cohost = 4, presenter = 3, participant = 2, viewer = 1}

local function moderator(action)
  local e = actor()
  if e or A.srv then return e end
  local may = C.may[me.role]
  if seat.mod ~= 1 or not may or may[action] ~= 1 then return 'forbidden' end
end

-- A host has power over all, a co-host over those below co-hosts, the deployment over everybody.
local function outranks(role)
  return A.srv or me.role == 'host' or RANK[role] < RANK.cohost
end

local function unseat(id, reason, s)
  redis.call('HDEL', K.seats, id)
  redis.call('HDEL', K.parts, id)
  emit('left', {id = id, s = s.s, i = s.i, reason = reason})
  if redis.call('HLEN', K.seats) == 0 then put('empty', num(now)) end
end

local function finish(reason)
  emit('ended', {reason = reason})
  put('ended', '1')
  for _, k in ipairs({K.parts, K.seats, K.known, K.waiters, K.chat, K.chatids}) do redis.call('DEL', k) end
end

local function snapshot()
  return {redis.call('HGETALL', K.doc), gen or '', redis.call('HVALS', K.parts), redis.call('HVALS', K.waiters),
    redis.call('LRANGE', K.chat, 0, -1)}
end
