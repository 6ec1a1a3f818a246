/** Lua that ends consumers and removes inboxes. */
export const TENDING = String.raw`
local function heldBy(name, consumer)
  local all, found = call('HGETALL', P .. 'h:' .. name), {}
  local mine = consumer .. '|'
  for place = 1, #all, 2 do
    if string.sub(all[place + 1], 1, #mine) == mine then found[#found + 1] = {all[place], all[place + 1]} end
  end
  return found
end

-- The next one that stands by may go on.
local function deactivate(box, consumer)
  if box.active ~= consumer then return end
  box.active = ''
  box.changed = true
  box.woken = true
end

local function lapseConsumer(box, consumer, journal)
  for _, held in ipairs(heldBy(box.name, consumer)) do
    local own = call('ZSCORE', P .. 'l:' .. box.name, 'h' .. held[1])
    if not own or tonumber(own) <= now then lapse(box, held[1], held[2], journal) end
  end
  call('ZREM', P .. 'l:' .. box.name, 'c' .. consumer, 'g' .. consumer)
  deactivate(box, consumer)
end

-- A consumer leaves, or is given up for dead.
local function leave(name, consumer, peer, isDead, journal)
  call('SREM', P .. 'q:' .. peer, name .. '\n' .. consumer)
  local box = load(name)
  if not box then return end
  for _, held in ipairs(heldBy(name, consumer)) do
    if isDead then
      lapse(box, held[1], held[2], journal)
    else
      local record = call('HGET', P .. 'b:' .. name, held[1])
      call('HDEL', P .. 'h:' .. name, held[1])
      call('ZREM', P .. 'l:' .. name, 'h' .. held[1])
      if record then
        local _, _, _, rare = headOf(record)
        giveBack(box, held[1], holderOf(held[2]), rare, 'release')
      else
        conclude(box, held[1], nil, pastOf(box, held[1]), 'dropped')
      end
    end
  end
  call('ZREM', P .. 'l:' .. name, 'c' .. consumer, 'g' .. consumer)
  call('HDEL', P .. 'c:' .. name, consumer)
  local waits = call('HGET', P .. 'u:' .. name, consumer)
  if waits then
    call('HDEL', P .. 'u:' .. name, consumer)
    rouse(consumer, waits)
  end
  deactivate(box, consumer)
  box.woken = true
  box.everyone = true
end

-- Ends the copies of an inbox, a part at a time, then removes it. Returns how many ended, and whether there is more.
local function removePart(name)
  local key = P .. 'i:' .. name
  if call('EXISTS', key) == 0 then return 0, false end
  call('HDEL', key, 'deleting')
  boxes[name] = nil
  local box = load(name)
  local ended = 0
  local held = call('HGETALL', P .. 'h:' .. name)
  for place = 1, #held, 2 do
    local id, claim = held[place], holderOf(held[place + 1])
    local record = call('HGET', P .. 'b:' .. name, id)
    call('HDEL', P .. 'h:' .. name, id)
    if record then
      local _, _, _, rare = headOf(record)
      local past = pastOf(box, id) or {}
      past.a, past.o, past.i = (past.a or 0) + 1, claim.offeredAt, claim.instance
      revoke(box, id, claim, 'dropped')
      conclude(box, id, rare, past, 'dropped')
      ended = ended + 1
    end
  end
  for level = 0, 5 do
    local list = level < 5 and P .. 'r' .. level .. ':' .. name or P .. 'd:' .. name
    while ended < 1000 do
      local ids = call('ZRANGE', list, 0, 99)
      if #ids == 0 then break end
      for _, id in ipairs(ids) do
        if not endWaiting(box, id, 'dropped') then call('ZREM', list, id) end
        ended = ended + 1
      end
    end
  end
  if ended >= 1000 then
    call('HSET', key, 'deleting', 1)
    return ended, true
  end
  rouseAll(box, call('HGETALL', P .. 'u:' .. name))
  for kind in string.gmatch('i b f m h l c u d x r0 r1 r2 r3 r4', '%S+') do call('DEL', P .. kind .. ':' .. name) end
  call('SREM', P .. 'in', name)
  call('ZREM', P .. 't', 'i' .. name)
  box.gone = true
  return ended, false
end
`;

/** Declares an inbox: process, name, settings as JSON. */
export const DECLARE = `
local name, given = ARGV[2], cjson.decode(ARGV[3])
local key = P .. 'i:' .. name
if call('HEXISTS', key, 'deleting') == 1 then
  local more
  repeat local _, rest = removePart(name) more = rest until not more
  boxes[name] = nil
end
if call('SADD', P .. 'in', name) == 1 then
  call('HSET', key, 'capacity', 1000000, 'overflow', 'reject', 'paused', 0, 'sequence', 0, 'accepted', 0, 'waiting', 0,
    'hungry', 0, 'aging', 0, 'active', '', 'suspects', 0,
    -- No token comes twice, not even where an inbox of the same name was there before.
    'token', now)
end
for field, setting in pairs(given) do
  if field == 'expiresAfter' then
    call('HSET', key, 'expiresAfter', setting, 'owner', ARGV[1])
    call('HDEL', key, 'orphaned')
    call('SADD', P .. 'e:' .. ARGV[1], name)
  elseif field == 'paused' then
    call('HSET', key, 'paused', setting and 1 or 0)
  else
    call('HSET', key, field, setting)
  end
end
local box = load(name)
box.woken = true
box.everyone = true
save()
return 'OK'
`;

/** Removes a part of an inbox: process, name. Answers how many copies ended, and `1` where there is more. */
export const DELETE = `
if call('HEXISTS', P .. 'i:' .. ARGV[2], 'deleting') == 1 and ARGV[3] ~= 'more' then return {0, 0} end
local ended, more = removePart(ARGV[2])
save()
return {ended, more and 1 or 0}
`;

/** Cancels: process, inbox, end, `id`, `order` or `all`, then the id, the order, or the last place it reaches to. Answers ended, held, last place, `1` where there is more. */
export const CANCEL = `
local box, kind, what, target = load(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
if not box then return {0, 0, 0, 0} end
local ids, more, upTo = {}, 0, 0
if what == 'id' then ids[1] = target
elseif what == 'order' then ids = call('SMEMBERS', P .. 'o:' .. box.name .. ':' .. target)
else
  -- What comes after the first part was looked at is not meant.
  upTo = target ~= '' and tonumber(target) or box.sequence
  for level = 0, 4 do
    local found = call('ZRANGEBYSCORE', P .. 'r' .. level .. ':' .. box.name, '-inf', upTo, 'LIMIT', 0, 500)
    for _, id in ipairs(found) do ids[#ids + 1] = id end
    if #found == 500 then more = 1 end
  end
  local delayed = call('ZRANGE', P .. 'd:' .. box.name, 0, 499)
  for _, id in ipairs(delayed) do ids[#ids + 1] = id end
  if #delayed == 500 then more = 1 end
  if more == 0 then
    for _, id in ipairs(call('HKEYS', P .. 'h:' .. box.name)) do ids[#ids + 1] = id end
  end
end
local ended, held = 0, 0
for _, id in ipairs(ids) do
  local one, other = cancelCopy(box, id, kind)
  ended, held = ended + one, held + other
end
save()
return {ended, held, upTo, more}
`;

/**
 * Consumes: process, inbox, consumer, its description. Answers the other processes that have consumers there, and the
 * mark of each, where it is known.
 */
export const CONSUME = String.raw`
if not load(ARGV[2]) then return false end
local seen, peers = {[ARGV[1]] = true}, {}
for _, about in ipairs(call('HVALS', P .. 'c:' .. ARGV[2])) do
  local other = string.match(about, '^[^|]*')
  if not seen[other] then
    seen[other] = true
    peers[#peers + 1] = other
    peers[#peers + 1] = call('HGET', P .. 'k', other) or ''
  end
end
call('HSET', P .. 'c:' .. ARGV[2], ARGV[3], ARGV[4])
call('SADD', P .. 'q:' .. ARGV[1], ARGV[2] .. '\n' .. ARGV[3])
return peers
`;

/** Ends consumers of this process, releasing what they hold: process, then inbox and consumer of each. */
export const LEAVE = `
for at = 2, #ARGV, 2 do leave(ARGV[at], ARGV[at + 1], ARGV[1], false) end
save()
return 'OK'
`;

/** What a consumer holds, which waits no more: inbox, consumer. Answers ids and tokens. */
export const HELD = `
call('HDEL', P .. 'u:' .. ARGV[1], ARGV[2])
local reply = {}
for _, held in ipairs(heldBy(ARGV[1], ARGV[2])) do
  reply[#reply + 1] = held[1]
  reply[#reply + 1] = holderOf(held[2]).token
end
return reply
`;

/**
 * Does what is due: process, `1` where a journal is kept, for how long this process counts as alive from now or `0` where it
 * leaves, or nothing, its mark, then processes that are certainly dead. Answers the time, the next moment in which something is to
 * be done, how many changes of values there were, and `1` where this process was not known.
 */
export const SWEEP = String.raw`
local peer, journal, life = ARGV[1], ARGV[2] == '1', ARGV[3]
-- Where the server stood still for longer than a lease, the renewals that came meanwhile may stand behind this look.
local GRACE, GRACE_OF_PEERS = 250, 10000

local function orphan(name, at)
  local key = P .. 'i:' .. name
  local lasts = call('HGET', key, 'expiresAfter')
  if not lasts then return end
  local moment = at + tonumber(lasts)
  call('HSET', key, 'orphaned', moment)
  plan('i' .. name, moment)
end

local function bury(dead, isDead)
  for _, pair in ipairs(call('SMEMBERS', P .. 'q:' .. dead)) do
    local name, consumer = string.match(pair, '^([^\n]*)\n(.*)$')
    leave(name, consumer, dead, isDead, journal)
  end
  for _, name in ipairs(call('SMEMBERS', P .. 'e:' .. dead)) do
    if call('HGET', P .. 'i:' .. name, 'owner') == dead then orphan(name, now) end
  end
  call('DEL', P .. 'q:' .. dead, P .. 'e:' .. dead)
  call('ZREM', P .. 'a', dead, '?' .. dead)
  call('HDEL', P .. 'k', dead)
end

local function isCovered(name, consumer)
  local key = P .. 'l:' .. name
  local lease = call('ZSCORE', key, 'c' .. consumer)
  return (lease and tonumber(lease) > now) or call('ZSCORE', key, 'g' .. consumer)
end

local function tendInbox(name)
  local orphaned = call('HGET', P .. 'i:' .. name, 'orphaned')
  if (orphaned and tonumber(orphaned) <= now) or call('HEXISTS', P .. 'i:' .. name, 'deleting') == 1 then
    local _, more = removePart(name)
    if more then call('ZADD', P .. 't', now, 'i' .. name) end
    return
  end
  local box = load(name)
  if not box then
    call('ZREM', P .. 't', 'i' .. name)
    return
  end
  expire(box, 200)
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'd:' .. name, '-inf', now, 'LIMIT', 0, 200)) do
    call('ZREM', P .. 'd:' .. name, id)
    local record = call('HGET', P .. 'b:' .. name, id)
    if record then
      local _, _, _, rare = headOf(record)
      enqueue(box, id, levelOf(record), rare)
    end
  end
  for _, member in ipairs(call('ZRANGEBYSCORE', P .. 'l:' .. name, '-inf', now, 'LIMIT', 0, 100)) do
    local kind, who = string.sub(member, 1, 1), string.sub(member, 2)
    if kind == 'c' then
      call('ZREM', P .. 'l:' .. name, member)
      call('ZADD', P .. 'l:' .. name, now + GRACE, 'g' .. who)
    elseif kind == 'g' then
      lapseConsumer(box, who, journal)
    else
      call('ZREM', P .. 'l:' .. name, member)
      local held = call('HGET', P .. 'h:' .. name, who)
      if held and not isCovered(name, holderOf(held).consumer) then lapse(box, who, held, journal) end
    end
  end
  local first = orphaned and tonumber(orphaned)
  for kind in string.gmatch('d x l', '%S') do
    local head = call('ZRANGE', P .. kind .. ':' .. name, 0, 0, 'WITHSCORES')[2]
    if head and (not first or tonumber(head) < first) then first = tonumber(head) end
  end
  if first then call('ZADD', P .. 't', first, 'i' .. name) else call('ZREM', P .. 't', 'i' .. name) end
end

local function tendValues()
  for _, key in ipairs(call('ZRANGEBYSCORE', P .. 'vx', '-inf', now, 'LIMIT', 0, 200)) do erase(key) end
  local head = call('ZRANGE', P .. 'vx', 0, 0, 'WITHSCORES')[2]
  if head then call('ZADD', P .. 't', head, 'v') else call('ZREM', P .. 't', 'v') end
end

local isNew = 0
if life == '0' then
  bury(peer, false)
elseif life ~= '' then
  call('ZADD', P .. 'a', now + tonumber(life), peer)
  isNew = call('HSET', P .. 'k', peer, ARGV[4])
  call('ZREM', P .. 'a', '?' .. peer)
  for _, silent in ipairs(call('ZRANGEBYSCORE', P .. 'a', '-inf', now, 'LIMIT', 0, 10)) do
    if string.sub(silent, 1, 1) == '?' then
      bury(string.sub(silent, 2), true)
    else
      call('ZREM', P .. 'a', silent)
      call('ZADD', P .. 'a', now + GRACE_OF_PEERS, '?' .. silent)
    end
  end
end
for at = 5, #ARGV do bury(ARGV[at], true) end
for _, member in ipairs(call('ZRANGEBYSCORE', P .. 't', '-inf', now, 'LIMIT', 0, 8)) do
  if member == 'v' then tendValues() else tendInbox(string.sub(member, 2)) end
end
save()
tellChanges()
announce(peer)
local head = call('ZRANGE', P .. 't', 0, 0, 'WITHSCORES')[2]
return {now, head and tonumber(head) or -1, tonumber(call('GET', P .. 'vn') or 0), isNew}
`;
