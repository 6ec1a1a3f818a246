/** Lua that reads inboxes and writes them back at the end of a script, tells who holds copies, and keeps records of ends. */
export const INBOX = String.raw`
local boxes, roused, records, allRecords = {}, {}, {}, {}
local feed
local DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'

-- An inbox as it is now; false if there is none.
local function load(name)
  local box = boxes[name]
  if box ~= nil then return box end
  local v = call('HMGET', P .. 'i:' .. name,
    'capacity', 'overflow', 'paused', 'sequence', 'accepted', 'waiting', 'hungry', 'aging', 'active', 'suspects', 'token', 'deleting')
  if not v[1] or v[12] then
    boxes[name] = false
    return false
  end
  box = {
    name = name, capacity = tonumber(v[1]), drops = v[2] == 'drop-oldest', paused = v[3] == '1', sequence = tonumber(v[4]),
    accepted = tonumber(v[5]), waiting = tonumber(v[6]), hungry = v[7] == '1', aging = tonumber(v[8]), active = v[9] or '',
    suspects = tonumber(v[10]), token = tonumber(v[11]), ends = {}, ready = {},
  }
  boxes[name] = box
  return box
end

-- Writes what was gathered for the levels, so that it can be looked for there.
local function flush(box)
  for level, list in pairs(box.ready) do many('ZADD', P .. 'r' .. level .. ':' .. box.name, list) end
  box.ready = {}
end

-- A consumer that waits is told to look for itself; it waits no more. about: how it waits.
local function rouse(consumer, about)
  local peer = string.match(about, '^%d+|[^|]*|[01]|([^|]*)')
  local list = roused[peer]
  if list then list[#list + 1] = consumer else roused[peer] = {consumer} end
end

local function rouseAll(box, waiting)
  for place = 1, #waiting, 2 do rouse(waiting[place], waiting[place + 1]) end
  call('DEL', P .. 'u:' .. box.name)
  box.hungry = false
  box.changed = true
end

-- There is something for those who wait.
local function wake(box)
  box.woken = false
  if not box.hungry then return end
  local waiting = call('HGETALL', P .. 'u:' .. box.name)
  if box.everyone or not feed(box, waiting) then rouseAll(box, waiting) end
end

local function save()
  for name, box in pairs(boxes) do
    if box and not box.gone then
      flush(box)
      if box.woken then wake(box) end
      if box.changed then
        call('HSET', P .. 'i:' .. name, 'sequence', box.sequence, 'accepted', box.accepted, 'waiting', box.waiting,
          'hungry', box.hungry and 1 or 0, 'aging', box.aging, 'active', box.active, 'suspects', box.suspects, 'token', box.token)
      end
      for kind, count in pairs(box.ends) do call('HINCRBY', P .. 'i:' .. name, kind, count) end
    end
  end
  for log, list in pairs(records) do append(log, '[' .. table.concat(list, ',') .. ']') end
  if #allRecords > 0 then
    local topic = P .. 's:receipts'
    if call('PUBSUB', 'NUMSUB', topic)[2] > 0 then call('PUBLISH', topic, ' [' .. table.concat(allRecords, ',') .. ']') end
  end
  for peer, list in pairs(roused) do call('PUBLISH', P .. 'p:' .. peer, 'w' .. table.concat(list, '\n')) end
end

local function logOf(id)
  local hex = string.match(string.sub(id, 1, 8) .. string.sub(id, 10, 13), '^%x*')
  local minute, text = hex == '' and 0 or math.floor(tonumber(hex, 16) / 60000), ''
  repeat
    local digit = minute % 36
    text = string.sub(DIGITS, digit + 1, digit + 1) .. text
    minute = math.floor(minute / 36)
  until minute == 0
  return 'receipts/' .. string.rep('0', 7 - #text) .. text
end

-- Counts an end that no holder decided and keeps its record. past: what is known of earlier hand-offs.
local function ended(box, id, kind, past, reason)
  box.changed = true
  box.ends[kind] = (box.ends[kind] or 0) + 1
  local json = cjson.encode({
    id = id, recipient = box.name, ['end'] = kind, at = now, attempt = past and past.a or 0,
    offeredAt = past and past.o, instance = past and past.i, reason = reason,
  })
  local log = logOf(id)
  local list = records[log]
  if list then list[#list + 1] = json else records[log] = {json} end
  allRecords[#allRecords + 1] = json
end

local function holderOf(held)
  local consumer, token, level, sequence, offeredAt, instance = string.match(held, '^([^|]*)|(%d+)|(%d)|(%d+)|(%d+)|(.*)$')
  return {
    consumer = consumer, token = token, level = tonumber(level), sequence = tonumber(sequence),
    offeredAt = tonumber(offeredAt), instance = instance,
  }
end

-- Tells a holder that its copy is no longer its own, or should end.
local function revoke(box, id, held, why)
  local consumer = call('HGET', P .. 'c:' .. box.name, held.consumer)
  if not consumer then return end
  local peer = string.match(consumer, '^[^|]*')
  call('PUBLISH', P .. 'p:' .. peer,
    'r' .. cjson.encode({inbox = box.name, consumer = held.consumer, id = id, token = held.token, why = why}))
end
`;
