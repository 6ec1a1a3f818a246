/** Lua that keeps state: values with revisions and times to live, and who is told of changes. */
export const VALUES = String.raw`
local changed = {}

local function bucket(key) return string.match(key, '^([^/]*)') end

local function revise(key)
  local revision = call('INCR', P .. 'vn')
  call('HSET', P .. 'vr', bucket(key), revision)
  changed[#changed + 1] = key
  return revision
end

local function erase(key)
  call('HDEL', P .. 'v', key)
  call('ZREM', P .. 'vk', key)
  call('ZREM', P .. 'vx', key)
  return revise(key)
end

-- Revision, end and text of a value, unless its time has passed.
local function value(key)
  local stored = call('HGET', P .. 'v', key)
  if not stored then return nil end
  local revision, expires, text = string.match(stored, '^(%d+)\t(%d*)\t(.*)$')
  if expires ~= '' and tonumber(expires) <= now then return nil end
  return tonumber(revision), expires, text
end

local function putValue(key, text, ttl)
  local revision, expires = revise(key), ''
  if ttl then
    expires = whole(now + ttl)
    call('ZADD', P .. 'vx', expires, key)
    plan('v', now + ttl)
  else
    call('ZREM', P .. 'vx', key)
  end
  if call('HSET', P .. 'v', key, revision .. '\t' .. expires .. '\t' .. text) == 1 then call('ZADD', P .. 'vk', 0, key) end
  return revision
end

local function tellChanges()
  for from = 1, #changed, 500 do
    local keys = {unpack(changed, from, math.min(from + 499, #changed))}
    call('PUBLISH', P .. 'v', cjson.encode({tonumber(call('GET', P .. 'vn')), keys}))
  end
end
`;

/** Does all operations or none: count, then of each: kind, key, expected revision, time to live or count, values. */
export const WRITE = `
local at, operations = 3, {}
for place = 1, tonumber(ARGV[2]) do
  local one = {kind = ARGV[at], key = ARGV[at + 1], expected = ARGV[at + 2], more = tonumber(ARGV[at + 3])}
  at = at + 4
  if one.kind == 'append' then
    one.from = at
    at = at + one.more
  elseif one.kind == 'put' then
    one.text = ARGV[at]
    at = at + 1
  end
  if one.expected ~= '' and tonumber(one.expected) ~= (value(one.key) or 0) then return false end
  operations[place] = one
end
local results = {}
for place, one in ipairs(operations) do
  if one.kind == 'append' then
    for value = one.from, one.from + one.more - 1 do append(one.key, ARGV[value]) end
    results[place] = 0
  elseif one.kind == 'put' then
    results[place] = putValue(one.key, one.text, one.more)
  elseif value(one.key) then
    results[place] = erase(one.key)
  else
    results[place] = 0
  end
end
tellChanges()
announce(ARGV[1])
return results
`;

/** Reads the values of the keys given. */
export const READ = `
local found = {}
for place, key in ipairs(ARGV) do
  local revision, expires, text = value(key)
  found[place] = revision and {revision, expires, text} or false
end
return found
`;

/** Reads values by prefix: prefix, key to go on from, limit, `reverse` or not. The last key looked at comes first. */
export const LIST = String.raw`
local prefix, after, limit, reverse = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == 'reverse'
local first, last = '[' .. prefix, '(' .. prefix .. '\255'
if after ~= '' and reverse and after < prefix .. '\255' then last = '(' .. after end
if after ~= '' and not reverse and after >= prefix then first = '(' .. after end
local keys
if reverse then keys = call('ZREVRANGEBYLEX', P .. 'vk', last, first, 'LIMIT', 0, limit)
else keys = call('ZRANGEBYLEX', P .. 'vk', first, last, 'LIMIT', 0, limit) end
local found = {#keys == limit and keys[#keys] or ''}
for _, key in ipairs(keys) do
  local revision, expires, text = value(key)
  if revision then found[#found + 1] = {key, revision, expires, text} end
end
return found
`;

/** Removes a log's entries: its name, the last position that goes or nothing for all. */
export const TRIM = `
local key = P .. 'g:' .. ARGV[1]
if ARGV[2] ~= '' then call('XTRIM', key, 'MINID', whole(tonumber(ARGV[2]) + 1)) end
if ARGV[2] == '' or call('XLEN', key) == 0 then
  call('UNLINK', key)
  call('ZREM', P .. 'gn', ARGV[1])
end
return 'OK'
`;
