/**
 * Gives deliveries up. Process, `1` where a journal is kept, how many; of each: inbox, consumer, token, id, end or
 * `retry` or `release`, flags (`o`: a lease of its own, `s`: a suspect), rare facts as JSON, dead letter or delay, failure.
 * Then how many log entries, of each log and value; then how many publications that are emitted, and these.
 * Answers the places of those that are no longer held, and has done nothing then; or whether the records were heard of.
 */
export const SETTLE = `
local WIDTH = 9
local count, journal = tonumber(ARGV[3]), ARGV[2] == '1'
local settles, byInbox, lost = {}, {}, {}
for place = 1, count do
  local at = 4 + (place - 1) * WIDTH
  local one = {inbox = ARGV[at], consumer = ARGV[at + 1], token = ARGV[at + 2], id = ARGV[at + 3], how = ARGV[at + 4],
    flags = ARGV[at + 5], rare = ARGV[at + 6], extra = ARGV[at + 7], failure = ARGV[at + 8]}
  settles[place] = one
  local group = byInbox[one.inbox]
  if group then
    group.ids[#group.ids + 1] = one.id
    group.places[#group.places + 1] = place
  else
    byInbox[one.inbox] = {ids = {one.id}, places = {place}}
  end
end
for name, group in pairs(byInbox) do
  local held = load(name) and call('HMGET', P .. 'h:' .. name, unpack(group.ids))
  for at, place in ipairs(group.places) do
    local one = settles[place]
    local mine = one.consumer .. '|' .. one.token .. '|'
    if held and held[at] and string.sub(held[at], 1, #mine) == mine then one.held = held[at] else lost[#lost + 1] = place end
  end
end
if #lost > 0 then return lost end

for name, group in pairs(byInbox) do
  local box = load(name)
  call('HDEL', P .. 'h:' .. name, unpack(group.ids))
  local done = {}
  for _, place in ipairs(group.places) do
    local one = settles[place]
    local rare = one.rare ~= '' and cjson.decode(one.rare) or nil
    if string.find(one.flags, 'o', 1, true) then call('ZREM', P .. 'l:' .. name, 'h' .. one.id) end
    if one.how == 'release' then
      giveBack(box, one.id, holderOf(one.held), rare, 'release')
    elseif one.how == 'retry' then
      giveBack(box, one.id, holderOf(one.held), rare, 'retry', tonumber(one.extra), one.failure)
    else
      done[#done + 1] = one.id
      unindex(box, one.id, rare)
      if string.find(one.flags, 's', 1, true) then box.suspects = box.suspects - 1 end
      if one.extra ~= '' then putValue('dead-letters/' .. name .. '/' .. one.id, one.extra) end
      box.changed = true
      box.waiting = box.waiting - 1
      box.ends[one.how] = (box.ends[one.how] or 0) + 1
    end
  end
  if #done > 0 then
    call('HDEL', P .. 'b:' .. name, unpack(done))
    call('HDEL', P .. 'm:' .. name, unpack(done))
  end
end

local at = 4 + count * WIDTH
local entries = tonumber(ARGV[at])
for place = 1, entries do append(ARGV[at + 2 * place - 1], ARGV[at + 2 * place]) end
at = at + 1 + 2 * entries
local emitted = tonumber(ARGV[at])
at = at + 1
for _ = 1, emitted do
  local _, after = publishAt(at, true, journal)
  at = after
end
save()
tellChanges()
announce(ARGV[1])
return call('PUBSUB', 'NUMSUB', P .. 's:receipts')[2] > 0 and 'heard' or ''
`;

/** Keeps leases: process, lease, `own` or `renew`; then inbox and consumer, or inbox, consumer, token and id, of each. Answers `1` where it is still held. */
export const EXTEND = `
local lease, results = tonumber(ARGV[2]), {}
if ARGV[3] == 'own' then
  local name, id, mine = ARGV[4], ARGV[7], ARGV[5] .. '|' .. ARGV[6] .. '|'
  local held = call('HGET', P .. 'h:' .. name, id)
  if not held or string.sub(held, 1, #mine) ~= mine then return {0} end
  call('ZADD', P .. 'l:' .. name, now + lease, 'h' .. id)
  plan('i' .. name, now + lease)
  results[1] = 1
else
  for at = 4, #ARGV, 2 do
    local key = P .. 'l:' .. ARGV[at]
    results[#results + 1] = 0
    local inGrace = call('ZREM', key, 'g' .. ARGV[at + 1]) == 1
    if inGrace or call('ZSCORE', key, 'c' .. ARGV[at + 1]) then
      call('ZADD', key, now + lease, 'c' .. ARGV[at + 1])
      results[#results] = 1
    end
  end
end
announce(ARGV[1])
return results
`;
