/**
 * Lua that hands copies out. `take` gives what one consumer asks for, as a list of id, token, stored form and what is known of
 * earlier hand-offs, in fours; `feed` gives it to one that waits, together with its wake-up.
 */
export const TAKING = String.raw`
local PERIOD = 16
-- What comes with a wake-up, in bytes: more is not worth keeping for those who read slowly.
local MOST_FED = 65536

-- Ids by level in the order of hand-out. Left over are those of other types, suspects that have to wait, and what nobody may take now.
local function chooser(box, asked)
  local page = math.min(math.max(asked.want, 1), 128)
  -- Of most levels only the first is looked at, and one more for every 16 hand-offs.
  local few = math.min(page, 2 + math.floor(page / PERIOD))
  local filter, chosen, levels = asked.filter, {}, {}
  for level = 0, 4 do levels[level] = {key = P .. 'r' .. level .. ':' .. box.name, read = 0, list = {}, at = 1, page = few} end
  if filter then
    for _, kind in ipairs(filter.types) do chosen[kind] = true end
  end

  local function isWanted(id)
    local record = call('HGET', P .. 'b:' .. box.name, id)
    if not record then return true end
    local kind = string.match(record, '^%d\t([^\t]*)')
    return (chosen[kind] == true) == (filter.only == true)
  end

  local function fill(window)
    if window.isDry then return end
    local got = call('ZRANGE', window.key, window.read, window.read + window.page - 1, 'WITHSCORES')
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

  local function head(window)
    while not window.list[window.at] do
      if window.isDry then return nil end
      fill(window)
    end
    return window.list[window.at + 1]
  end

  -- The level that hands off next: the highest that waits, but so that the lower ones never starve.
  local function choose()
    local highest, lower, least
    for level = 0, 4 do
      local place = head(levels[level])
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

  return levels, choose
end

-- An exclusive consumer stands by while another one is there.
local function standsBy(box, asked)
  if string.match(asked.about, '^[^|]*|([01])|') ~= '1' or box.active == asked.consumer then return false end
  if box.active ~= '' and call('HEXISTS', P .. 'c:' .. box.name, box.active) == 1 then return true end
  box.active = asked.consumer
  box.changed = true
  return false
end

local function choices(box, asked)
  local picked, sawSuspect, isAlone = {}, false, false
  local levels, choose = chooser(box, asked)
  while #picked < asked.want and not isAlone do
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
    if suspect and asked.holds + #picked > 0 then
      box.aging = before
      sawSuspect = true
      if not asked.passes then break end
      window.at = window.at + 2
    else
      isAlone = suspect
      window.at = window.at + 2
      picked[#picked + 1] = {id = id, level = level, sequence = sequence, before = before}
    end
  end
  return picked, sawSuspect
end

-- Returns what is handed out, whether a suspect was left, and whether some was left that is too much to be fed.
local function take(box, asked)
  local name, given = box.name, {}
  if box.paused or asked.want <= 0 or standsBy(box, asked) then return given, false, false end
  expire(box, 200)
  flush(box)
  local picked, sawSuspect = choices(box, asked)
  if #picked == 0 then return given, sawSuspect, false end
  box.changed = true
  local instance = string.match(asked.about, '^[^|]*|[01]|(.*)$')
  local hasPast = call('EXISTS', P .. 'm:' .. name) == 1
  local claims, leases, gone, missing, bytes, isCut = {}, {}, {}, {}, 0, false
  for from = 1, #picked, 1000 do
    local ids = {}
    for place = from, math.min(from + 999, #picked) do ids[#ids + 1] = picked[place].id end
    local bodies = call('HMGET', P .. 'b:' .. name, unpack(ids))
    local pasts = hasPast and call('HMGET', P .. 'm:' .. name, unpack(ids))
    for place, id in ipairs(ids) do
      local one, record = picked[from + place - 1], bodies[place]
      bytes = bytes + (record and #record or 0)
      if asked.bytes and bytes > asked.bytes then
        box.aging = one.before
        isCut = true
        break
      end
      local list = gone[one.level]
      if list then list[#list + 1] = id else gone[one.level] = {id} end
      if not record then
        missing[#missing + 1] = id
      else
        box.token = box.token + 1
        claims[#claims + 1] = id
        claims[#claims + 1] = asked.consumer .. '|' .. box.token .. '|' .. one.level .. '|' .. whole(one.sequence) .. '|' .. whole(now) .. '|' .. instance
        leases[#leases + 1] = now + asked.lease
        leases[#leases + 1] = 'h' .. id
        local at = #given
        given[at + 1], given[at + 2], given[at + 3], given[at + 4] = id, box.token, record, pasts and pasts[place] or ''
      end
    end
    if isCut then break end
  end
  -- What may fail comes first, where another program has put something else in the place of a key: a script is not undone.
  many('HSET', P .. 'h:' .. name, claims)
  for level, list in pairs(gone) do many('ZREM', P .. 'r' .. level .. ':' .. name, list) end
  for _, id in ipairs(missing) do
    conclude(box, id, nil, pastOf(box, id), 'dropped')
    call('PUBLISH', P .. 'p:' .. string.match(asked.about, '^[^|]*'), 'm' .. cjson.encode({inbox = name, id = id}))
  end
  if #claims == 0 then return given, sawSuspect, isCut end
  if asked.cover == '' then
    many('ZADD', P .. 'l:' .. name, leases)
  elseif asked.cover == 'C' then
    call('ZADD', P .. 'l:' .. name, now + asked.lease, 'c' .. asked.consumer)
    call('ZREM', P .. 'l:' .. name, 'g' .. asked.consumer)
  end
  if asked.cover ~= 'c' then plan('i' .. name, now + asked.lease) end
  return given, sawSuspect, isCut
end

-- A consumer that was given less than it asked for waits. more: how much it may be fed, none where it has to look for itself.
local function await(box, asked, more)
  local cover = asked.cover == '' and '0' or '1'
  call('HSET', P .. 'u:' .. box.name, asked.consumer, more .. '|' .. asked.lease .. '|' .. cover .. '|' .. asked.about)
  if not box.hungry then
    box.hungry = true
    box.changed = true
  end
end

-- How the lease of a consumer covers what it is fed. Being fed is no sign of life, so a lease that has run for a while is not renewed by it.
local function coverOf(box, consumer, lease)
  local key = P .. 'l:' .. box.name
  local ends = call('ZSCORE', key, 'c' .. consumer)
  if ends then return tonumber(ends) - now > lease * 2 / 3 and 'c' or nil end
  return not call('ZSCORE', key, 'g' .. consumer) and 'C' or nil
end

-- Hands what waits to the one consumer that waits for it; false where they have to look for themselves.
function feed(box, waiting)
  if #waiting ~= 2 or box.suspects > 0 then return false end
  local consumer, more, lease, isCovered, about, peer = waiting[1], string.match(waiting[2], '^(%d+)|([^|]*)|([01])|(([^|]*)|.*)$')
  more, lease = tonumber(more), tonumber(lease)
  -- What a process whose connection has ended is fed would come to others late.
  if more == 0 or call('PUBSUB', 'NUMSUB', P .. 'p:' .. peer)[2] == 0 then return false end
  local cover = isCovered == '0' and '' or coverOf(box, consumer, lease)
  if not cover then return false end
  local asked = {consumer = consumer, about = about, want = more, lease = lease, cover = cover, bytes = MOST_FED}
  local given, _, isCut = take(box, asked)
  if #given == 0 then return not isCut end
  more = isCut and 0 or more - #given / 4
  if more > 0 then
    await(box, asked, more)
  else
    call('DEL', P .. 'u:' .. box.name)
    box.hungry = false
  end
  local head = {'h' .. consumer, whole(now), cover, more > 0 and 'more' or 'last'}
  call('PUBLISH', P .. 'p:' .. peer, table.concat(head, '\30') .. '\30' .. table.concat(given, '\30'))
  return true
end
`;
