/** Lua that every script begins with: time, the timetable, logs. `P` is the prefix of all keys of the bus. */
export const CORE = `
local P, call = KEYS[1], redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(number) return string.format('%.0f', number) end

local function many(command, key, list)
  for from = 1, #list, 1000 do call(command, key, unpack(list, from, math.min(from + 999, #list))) end
end

-- The timetable has each inbox once, at or before the moment in which something is to be done there.
local earliest
local function plan(member, at)
  if call('ZADD', P .. 't', 'LT', 'CH', at, member) == 1 and (not earliest or at < earliest) then earliest = at end
end

local function announce(peer)
  if not earliest then return end
  local first = call('ZRANGE', P .. 't', 0, 0, 'WITHSCORES')
  if tonumber(first[2]) == earliest then
    call('PUBLISH', P .. 'w', whole(now) .. ' ' .. whole(earliest) .. ' ' .. peer)
  end
end

local function append(log, value)
  local key, id = P .. 'g:' .. log, whole(call('INCR', P .. 'gp')) .. '-0'
  if not call('XADD', key, 'NOMKSTREAM', id, 'v', value) then
    call('ZADD', P .. 'gn', 0, log)
    call('XADD', key, id, 'v', value)
  end
end
`;
