/**
 * Hands copies out: process, inbox, consumer, its description, how many, lease, `c` where the consumer's lease covers them
 * and `C` where that begins anew, how many it holds, `1` where it may pass suspects, chosen types as JSON or nothing.
 */
export const CLAIM = String.raw`
local peer, name, consumer, about = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local want, lease, cover, holds, passes = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8]), ARGV[9] == '1'
local filter = ARGV[10] ~= '' and cjson.decode(ARGV[10]) or nil
local PERIOD = 16
local box = load(name)
if not box then return {now, 'gone'} end

if call('HEXISTS', P .. 'c:' .. name, consumer) == 0 then
  call('HSET', P .. 'c:' .. name, consumer, about)
  call('SADD', P .. 'q:' .. peer, name .. '\n' .. consumer)
end
local isExclusive, instance = string.match(about, '^[^|]*|([01])|(.*)$')
local stands = false
if isExclusive == '1' then
  if box.active ~= '' and box.active ~= consumer and call('HEXISTS', P .. 'c:' .. name, box.active) == 1 then
    stands = true
  elseif box.active ~= consumer then
    box.active = consumer
    box.changed = true
  end
end

-- Left over are those of other types, suspects that have to wait, and what nobody may take now.
local chosen
if filter then
  chosen = {}
  for _, kind in ipairs(filter.types) do chosen[kind] = true end
end
local page = math.min(math.max(want, 1), 128)
-- Of most levels only the first is looked at, and one more for every 16 hand-offs.
local few = math.min(page, 2 + math.floor(page / PERIOD))
local levels, taken, sawSuspect, isAlone = {}, {}, false, false
local keys = {}
for level = 0, 4 do keys[level] = P .. 'r' .. level .. ':' .. name end

local function isWanted(id)
  local record = call('HGET', P .. 'b:' .. name, id)
  if not record then return true end
  local kind = string.match(record, '^%d\t([^\t]*)')
  return (chosen[kind] == true) == (filter.only == true)
end

local function fill(level)
  local window = levels[level]
  if window.isDry then return end
  local got = call('ZRANGE', keys[level], window.read, window.read + window.page - 1, 'WITHSCORES')
  window.read = window.read + #got / 2
  window.isDry = #got < 2 * window.page
  window.page = page
  window.list, window.at = {}, 1
  for place = 1, #got, 2 do
    if not filter or isWanted(got[place]) then
      window.list[#window.list + 1] = got[place]
      window.list[#window.list + 1] = tonumber(got[place + 1])
    end
  end
end

local function head(level)
  local window = levels[level]
  while not window.list[window.at] do
    if window.isDry then return nil end
    fill(level)
  end
  return window.list[window.at + 1]
end

-- The level that hands off next: the highest that waits, but so that the lower ones never starve.
local function choose()
  local highest, lower, least
  for level = 0, 4 do
    local place = head(level)
    if place then
      if not highest then highest = level
      elseif not least or place < least then lower, least = level, place end
    end
  end
  if not highest then return nil end
  if not lower then
    box.aging = 0
    return highest
  end
  if box.aging < PERIOD - 1 then
    box.aging = box.aging + 1
    return highest
  end
  box.aging = 0
  return lower
end

if not box.paused and not stands and want > 0 then
  takeIn(box, want)
  expire(box, 200)
  flush(box)
  for level = 0, 4 do levels[level] = {read = 0, list = {}, at = 1, page = few} end
  while #taken < want and not isAlone do
    local before = box.aging
    local level = choose()
    if not level then break end
    local window = levels[level]
    local id, sequence = window.list[window.at], window.list[window.at + 1]
    local suspect = false
    if box.suspects > 0 then
      local past = pastOf(box, id)
      suspect = past and (past.c or 0) >= 2
    end
    if suspect and holds + #taken > 0 then
      box.aging = before
      sawSuspect = true
      if not passes then break end
      window.at = window.at + 2
    else
      isAlone = suspect
      window.at = window.at + 2
      taken[#taken + 1] = {id, level, sequence}
    end
  end
end

local reply = {now, sawSuspect and 'suspect' or ''}
if #taken > 0 then
  box.changed = true
  local ids, claims, gone = {}, {}, {}
  for place, copy in ipairs(taken) do
    ids[place] = copy[1]
    local list = gone[copy[2]]
    if list then list[#list + 1] = copy[1] else gone[copy[2]] = {copy[1]} end
  end
  for level, list in pairs(gone) do many('ZREM', keys[level], list) end
  local hasPast = call('EXISTS', P .. 'm:' .. name) == 1
  for from = 1, #ids, 1000 do
    local part = {unpack(ids, from, math.min(from + 999, #ids))}
    local bodies = call('HMGET', P .. 'b:' .. name, unpack(part))
    local pasts = hasPast and call('HMGET', P .. 'm:' .. name, unpack(part))
    for place, id in ipairs(part) do
      local record = bodies[place]
      if record then
        box.token = box.token + 1
        local _, level, sequence = unpack(taken[from + place - 1])
        claims[#claims + 1] = id
        claims[#claims + 1] = consumer .. '|' .. box.token .. '|' .. level .. '|' .. whole(sequence) .. '|' .. whole(now) .. '|' .. instance
        reply[#reply + 1] = id
        reply[#reply + 1] = box.token
        reply[#reply + 1] = record
        reply[#reply + 1] = pasts and pasts[place] or ''
      end
    end
  end
  many('HSET', P .. 'h:' .. name, claims)
  if cover == '' then
    local leases = {}
    for place = 1, #claims, 2 do
      leases[place] = now + lease
      leases[place + 1] = 'h' .. claims[place]
    end
    many('ZADD', P .. 'l:' .. name, leases)
  elseif cover == 'C' then
    call('ZADD', P .. 'l:' .. name, now + lease, 'c' .. consumer)
    call('ZREM', P .. 'l:' .. name, 'g' .. consumer)
  end
  if cover ~= 'c' then plan('i' .. name, now + lease) end
end
if #taken < want then
  call('SADD', P .. 'w:' .. name, peer)
  if not box.hungry then
    box.hungry = true
    box.changed = true
  end
end
save()
tellChanges()
announce(peer)
return reply
`;
