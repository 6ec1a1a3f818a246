/**
 * Lua that puts copies into inboxes and takes them out. A copy is a field of the hash of bodies: its level, type, time,
 * sender and rarer facts in a first line, then its message. It is ready (a place on its level), delayed, or held.
 */
export const COPIES = String.raw`
-- Places under a limit: a lower priority goes first, then the older one; what is not even due goes last.
local LEVELS = 562949953421312
local function placeUnder(level, sequence) return (4 - level) * LEVELS + sequence end
local function delayedPlace(due) return 5 * LEVELS + due end

local function levelOf(record) return string.byte(record, 1) - 48 end

local function headOf(record)
  local line = string.sub(record, 1, string.find(record, '\n', 1, true) - 1)
  local kind, created, from, rest = string.match(line, '^%d\t([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$')
  return kind, tonumber(created), from, rest ~= '' and cjson.decode(rest) or nil
end

local function bodyOf(record) return string.sub(record, string.find(record, '\n', 1, true) + 1) end

local function makeReady(box, id, level, sequence)
  box.changed = true
  box.woken = true
  local list = box.ready[level]
  if list then
    list[#list + 1] = sequence
    list[#list + 1] = id
  else
    box.ready[level] = {sequence, id}
  end
end

local function delay(box, id, due, rare)
  call('ZADD', P .. 'd:' .. box.name, due, id)
  if rare and rare.n then call('ZADD', P .. 'n:' .. box.name .. ':' .. rare.n, delayedPlace(due), id) end
  plan('i' .. box.name, due)
end

local function enqueue(box, id, level, rare)
  box.sequence = box.sequence + 1
  if rare and rare.n then call('ZADD', P .. 'n:' .. box.name .. ':' .. rare.n, placeUnder(level, box.sequence), id) end
  makeReady(box, id, level, box.sequence)
end

-- Takes a copy in. One of the same id that is still there absorbs it.
local function put(box, id, record, rare, due)
  local isDelayed = due and due > now
  local state = isDelayed and 'queued' or 'accepted'
  if rare and rare.x and rare.x <= now then
    box.accepted = box.accepted + 1
    ended(box, id, 'expired')
    return state
  end
  if call('HSETNX', P .. 'b:' .. box.name, id, record) == 0 then return state end
  box.changed = true
  box.accepted = box.accepted + 1
  box.waiting = box.waiting + 1
  if rare then
    if rare.x then
      call('ZADD', P .. 'x:' .. box.name, rare.x, id)
      plan('i' .. box.name, rare.x)
    end
    if rare.k then call('SADD', P .. 'o:' .. box.name .. ':' .. rare.k, id) end
    if rare.a then call('HSET', P .. 'm:' .. box.name, id, cjson.encode({a = rare.a})) end
  end
  if isDelayed then delay(box, id, due, rare) else enqueue(box, id, levelOf(record), rare) end
  return state
end

local function unindex(box, id, rare)
  if not rare then return end
  if rare.x then call('ZREM', P .. 'x:' .. box.name, id) end
  if rare.k then call('SREM', P .. 'o:' .. box.name .. ':' .. rare.k, id) end
  if rare.n then call('ZREM', P .. 'n:' .. box.name .. ':' .. rare.n, id) end
end

local function pastOf(box, id)
  local past = call('HGET', P .. 'm:' .. box.name, id)
  return past and cjson.decode(past) or nil
end

-- Takes a copy out that is neither ready, delayed nor held any more, and keeps its end.
local function conclude(box, id, rare, past, kind)
  unindex(box, id, rare)
  call('HDEL', P .. 'b:' .. box.name, id)
  if past then
    call('HDEL', P .. 'm:' .. box.name, id)
    if (past.c or 0) >= 2 then box.suspects = box.suspects - 1 end
  end
  box.waiting = box.waiting - 1
  ended(box, id, kind, past)
end

-- Ends a copy that is ready or delayed; false if it is neither.
local function endWaiting(box, id, kind)
  local record = call('HGET', P .. 'b:' .. box.name, id)
  if not record then return false end
  flush(box)
  if call('ZREM', P .. 'r' .. levelOf(record) .. ':' .. box.name, id) == 0 and call('ZREM', P .. 'd:' .. box.name, id) == 0 then
    return false
  end
  local _, _, _, rare = headOf(record)
  conclude(box, id, rare, pastOf(box, id), kind)
  return true
end

-- Ends a copy that waits, or tells its holder. Returns how many ended, and how many are held.
local function cancelCopy(box, id, kind)
  local held = call('HGET', P .. 'h:' .. box.name, id)
  if not held then return endWaiting(box, id, kind) and 1 or 0, 0 end
  local past = pastOf(box, id) or {}
  if not past.e then
    past.e = kind
    call('HSET', P .. 'm:' .. box.name, id, cjson.encode(past))
    revoke(box, id, holderOf(held), kind)
  end
  return 0, 1
end

-- What is over of a copy that was held: it waits again, or ends. how: release, retry or lapse.
local function giveBack(box, id, held, rare, how, wait, failure)
  local past = pastOf(box, id)
  local known = past or {}
  if how == 'release' then
    -- Whoever gives back is given no more until it asks.
    box.everyone = true
  else
    known.a = (known.a or 0) + 1
    if how == 'lapse' then
      known.c = (known.c or 0) + 1
      if known.c == 2 then box.suspects = box.suspects + 1 end
    end
    if failure and failure ~= '' then known.f = known.f and string.sub(known.f, 1, -2) .. ',' .. failure .. ']' or '[' .. failure .. ']' end
  end
  local isOver = known.e or (rare and rare.x and rare.x <= now and 'expired')
  if isOver then
    known.o, known.i = held.offeredAt, held.instance
    return conclude(box, id, rare, known, isOver)
  end
  if how ~= 'release' then
    known.o, known.i = held.offeredAt, held.instance
    call('HSET', P .. 'm:' .. box.name, id, cjson.encode(known))
  end
  if wait and wait > 0 then delay(box, id, now + wait, rare)
  elseif how == 'retry' then enqueue(box, id, held.level, rare)
  else makeReady(box, id, held.level, held.sequence) end
end

-- A hand-off that is over without an end, for the journal.
local function keepHandOff(box, id, held, attempt, body)
  local isRead, message = pcall(cjson.decode, body)
  if not isRead then return end
  local talk = message.conversationId ~= id and message.conversationId or cjson.null
  local one = {0, id, attempt, now - held.offeredAt, 0, 0}
  if talk ~= cjson.null or message.causationId then one[7] = talk end
  if message.causationId then one[8] = message.causationId end
  append('journal/entries', cjson.encode({{
    kind = 'hand-offs', at = now, handOffs = {one},
    of = {{message = message.type, from = message.from, channel = message.channel, recipient = box.name, instance = held.instance}},
  }}))
end

-- Takes a held copy from its holder.
local function lapse(box, id, stored, journal)
  local held = holderOf(stored)
  call('HDEL', P .. 'h:' .. box.name, id)
  call('ZREM', P .. 'l:' .. box.name, 'h' .. id)
  local record = call('HGET', P .. 'b:' .. box.name, id)
  if not record then return conclude(box, id, nil, pastOf(box, id), 'dropped') end
  local _, _, _, rare = headOf(record)
  if journal then keepHandOff(box, id, held, ((pastOf(box, id) or {}).a or 0) + 1, bodyOf(record)) end
  giveBack(box, id, held, rare, 'lapse')
  revoke(box, id, held, 'lease-lost')
end

-- Ends what has expired, a few at a time. What is held is its holder's to finish.
local function expire(box, most)
  local ids = call('ZRANGEBYSCORE', P .. 'x:' .. box.name, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    if not endWaiting(box, id, 'expired') then call('ZREM', P .. 'x:' .. box.name, id) end
  end
  return #ids
end
`;
