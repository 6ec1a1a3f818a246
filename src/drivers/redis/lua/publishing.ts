/**
 * Lua that stores publications. Each is: id, stored form, `1` for a fan-out, the revision it was routed at, options as
 * JSON or nothing, how many inboxes, their names. `publishAt` stores the one whose arguments begin at a place.
 */
export const PUBLISHING = String.raw`
local FULL = {code = 'INBOX_FULL', reason = 'The inbox has reached its capacity.'}

local function isOver(box, limit)
  return box.waiting >= limit.capacity and call('ZCARD', P .. 'n:' .. box.name .. ':' .. limit.name) >= limit.capacity
end

-- What makes room under a limit: the oldest of the lowest priority that is not held.
local function victimOf(box, limit)
  if limit.overflow ~= 'drop-oldest' then return nil end
  local from = 0
  repeat
    local ids = call('ZRANGE', P .. 'n:' .. box.name .. ':' .. limit.name, from, from + 99)
    for _, id in ipairs(ids) do
      if call('HEXISTS', P .. 'h:' .. box.name, id) == 0 then return id end
    end
    from = from + 100
  until #ids < 100
  return nil
end

local function oldestWaiting(box)
  flush(box)
  for level = 4, 0, -1 do
    local first = call('ZRANGE', P .. 'r' .. level .. ':' .. box.name, 0, 0)[1]
    if first then return first end
  end
  return call('ZRANGE', P .. 'd:' .. box.name, 0, 0)[1]
end

-- Ids that a message of this sender takes the place of.
local function supersededBy(box, options)
  if options.supersedes.key then
    return call('SMEMBERS', P .. 'o:' .. box.name .. ':' .. options.from .. '\n' .. options.supersedes.key)
  end
  local id = options.supersedes.id
  local record = call('HGET', P .. 'b:' .. box.name, id)
  if not record then return {} end
  local _, _, from = headOf(record)
  return from == options.from and {id} or {}
end

local function hasRoom(box, options)
  local limit = options and options.limit
  if box.waiting < box.capacity and not limit then return true end
  local fits = box.waiting < box.capacity or (box.drops and box.waiting > call('HLEN', P .. 'h:' .. box.name))
  if fits and not (limit and isOver(box, limit) and not victimOf(box, limit)) then return true end
  if not options or not options.supersedes then return false end
  for _, id in ipairs(supersededBy(box, options)) do
    if call('HEXISTS', P .. 'h:' .. box.name, id) == 0 then return true end
  end
  return false
end

-- Makes room for one more, where that is allowed; false if there is none.
local function makeRoom(box, limit)
  if limit and isOver(box, limit) then
    local victim = victimOf(box, limit)
    if not victim or not endWaiting(box, victim, 'dropped') then return false end
  end
  if box.waiting < box.capacity then return true end
  local victim = box.drops and oldestWaiting(box)
  return victim and endWaiting(box, victim, 'dropped') or false
end

local function refuse(box, id, message, why)
  box.changed = true
  box.accepted = box.accepted + 1
  putValue('dead-letters/' .. box.name .. '/' .. id, '{"message":' .. message .. ',"recipient":' .. cjson.encode(box.name)
    .. ',"code":' .. cjson.encode(why.code) .. ',"reason":' .. cjson.encode(why.reason) .. ',"at":' .. whole(now) .. ',"attempts":[]}')
  ended(box, id, 'dead-lettered', nil, why.code)
end

local routedNow
local function isStale(routedAt)
  routedNow = routedNow or call('HGET', P .. 'vr', 'registry') or '0'
  return routedAt ~= routedNow
end

local function leastLoaded(names, concurrency)
  local best, least
  for place, name in ipairs(names) do
    local box = load(name)
    if box then
      local load = box.waiting / concurrency[place]
      if not least or load < least then best, least = box, load end
    end
  end
  return best
end

local function keepMessage(id, message, copies, due)
  local names = {}
  for place, copy in ipairs(copies) do names[place] = copy[1] end
  local recipients = #names > 0 and cjson.encode(names) or '[]'
  append('journal/entries', '[{"kind":"message","at":' .. whole(now) .. ',"recipients":' .. recipients
    .. (due and ',"dueAt":' .. whole(due) or '') .. ',"message":' .. message .. '}]')
end

-- Returns what became of it, '' for the usual: taken by all; and the place of the next one.
local function publishAt(at, isEmitted, journal)
  local id, record, isFanOut, routedAt = ARGV[at], ARGV[at + 1], isEmitted or ARGV[at + 2] == '1', ARGV[at + 3]
  local options = ARGV[at + 4] ~= '' and cjson.decode(ARGV[at + 4]) or nil
  local count = tonumber(ARGV[at + 5])
  local after = at + 6 + count
  local double = options and options.dedupe
  local doubleKey = double and P .. 'k:' .. options.from .. '\n' .. double.key
  if double then
    local first = call('GET', doubleKey)
    if first then
      local known = cjson.decode(first)
      if known.f == double.fingerprint then return cjson.encode({s = 'duplicate', id = known.id, copies = known.c}), after end
      return cjson.encode({s = 'conflict', id = known.id}), after
    end
  end
  if routedAt ~= '' and not isEmitted and isStale(routedAt) then return '{"s":"stale"}', after end
  local to = {}
  if options and options.pick then
    local names = {}
    for place = 1, count do names[place] = ARGV[at + 5 + place] end
    to[1] = leastLoaded(names, options.pick)
    if not to[1] and not isEmitted then return cjson.encode({s = 'unknown', inbox = names[1] or ''}), after end
  else
    for place = at + 6, after - 1 do
      local box = load(ARGV[place])
      if box then to[#to + 1] = box
      elseif not isEmitted then return cjson.encode({s = 'unknown', inbox = ARGV[place]}), after end
    end
  end
  local limit, refused, due = options and options.limit, options and options.refused, options and options.due
  if not isFanOut and not refused then
    for _, box in ipairs(to) do
      if not hasRoom(box, options) then
        local isWhole = not limit or box.waiting >= box.capacity
        return cjson.encode({s = 'full', inbox = box.name, capacity = isWhole and box.capacity or limit.capacity,
          limit = not isWhole and limit.name or nil}), after
      end
    end
  end
  local copies, isUsual = {}, not (options and options.pick)
  for place, box in ipairs(to) do
    if options and options.supersedes then
      for _, old in ipairs(supersededBy(box, options)) do cancelCopy(box, old, 'superseded') end
    end
    local state
    if refused or not makeRoom(box, limit) then
      refuse(box, id, options and options.json or bodyOf(record), refused or FULL)
      state = 'dead-lettered'
    else
      state = put(box, id, record, options, due)
    end
    isUsual = isUsual and state == 'accepted'
    copies[place] = {box.name, state}
  end
  if journal then keepMessage(id, options and options.json or bodyOf(record), copies, due) end
  if double then
    call('SET', doubleKey, cjson.encode({f = double.fingerprint, id = id, c = copies}), 'PX', math.ceil(double.window))
  end
  return isUsual and '' or cjson.encode({s = 'accepted', copies = copies}), after
end
`;

/** Publishes: this process, `1` where a journal is kept, how many, the publications. */
export const PUBLISH = `
local results, at, journal = {}, 4, ARGV[2] == '1'
for place = 1, tonumber(ARGV[3]) do results[place], at = publishAt(at, false, journal) end
save()
tellChanges()
announce(ARGV[1])
return results
`;
