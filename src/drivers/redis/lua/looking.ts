/** Tells of inboxes: `peek`, then names; all inboxes where none are given. */
export const INSPECT = `
local peek, names = tonumber(ARGV[1]), {}
if #ARGV == 1 then names = call('SMEMBERS', P .. 'in') else names = {unpack(ARGV, 2)} end
table.sort(names)
local ENDS = {'acknowledged', 'expired', 'dead-lettered', 'superseded', 'withdrawn', 'dropped'}

local function older(oldest, name, ids)
  for _, id in ipairs(ids) do
    local record = call('HGET', P .. 'b:' .. name, id)
    if record then
      local _, created = headOf(record)
      if created and (not oldest or created < oldest) then oldest = created end
    end
  end
  return oldest
end

local function copy(name, id, state, more, held)
  return {id, state, more, held or '', call('HGET', P .. 'b:' .. name, id) or '', call('HGET', P .. 'm:' .. name, id) or ''}
end

local function firstOf(name, most)
  local found = {}
  local held = call('HGETALL', P .. 'h:' .. name)
  local order = {}
  for place = 1, #held, 2 do order[#order + 1] = {held[place], held[place + 1], tonumber(holderOf(held[place + 1]).token)} end
  table.sort(order, function(a, b) return a[3] < b[3] end)
  for _, one in ipairs(order) do
    if #found < most then found[#found + 1] = copy(name, one[1], 'held', '', one[2]) end
  end
  for level = 0, 4 do
    if #found < most then
      for _, id in ipairs(call('ZRANGE', P .. 'r' .. level .. ':' .. name, 0, most - #found - 1)) do
        found[#found + 1] = copy(name, id, 'ready', '')
      end
    end
  end
  if #found < most then
    local delayed = call('ZRANGE', P .. 'd:' .. name, 0, most - #found - 1, 'WITHSCORES')
    for place = 1, #delayed, 2 do found[#found + 1] = copy(name, delayed[place], 'delayed', delayed[place + 1]) end
  end
  return found
end

local reply = {}
for _, name in ipairs(names) do
  local box = load(name)
  if box then
    local ends = call('HMGET', P .. 'i:' .. name, unpack(ENDS))
    local oldest
    if box.waiting > 0 then
      oldest = older(nil, name, call('HKEYS', P .. 'h:' .. name))
      for level = 0, 4 do oldest = older(oldest, name, call('ZRANGE', P .. 'r' .. level .. ':' .. name, 0, 0)) end
      oldest = older(oldest, name, call('ZRANGE', P .. 'd:' .. name, 0, 999))
    end
    local counts = {}
    for place = 1, #ENDS do counts[place] = tonumber(ends[place] or 0) end
    reply[#reply + 1] = {name, box.capacity, box.drops and 'drop-oldest' or 'reject', box.paused and 1 or 0, box.waiting,
      call('HLEN', P .. 'h:' .. name), call('ZCARD', P .. 'd:' .. name), box.accepted, counts, oldest and whole(oldest) or '',
      call('HLEN', P .. 'c:' .. name), peek > 0 and firstOf(name, peek) or {}}
  end
end
return reply
`;

/** Where copies of a message wait: its id. */
export const FIND = `
local reply, id = {}, ARGV[1]
for _, name in ipairs(call('SMEMBERS', P .. 'in')) do
  local record = call('HGET', P .. 'b:' .. name, id)
  if record and load(name) then
    local held = call('HGET', P .. 'h:' .. name, id)
    local due = not held and call('ZSCORE', P .. 'd:' .. name, id)
    reply[#reply + 1] = {name, {id, held and 'held' or due and 'delayed' or 'ready', due or '', held or '', record,
      call('HGET', P .. 'm:' .. name, id) or ''}}
  end
end
return reply
`;
