/**
 * Lua that takes in what other programs have left for an inbox, in the wire form: a list of its own, so that they need to know
 * of nothing else. What cannot be read is taken in as it is; whoever it is handed to puts it among the dead letters.
 */
export const INTAKE = String.raw`
local LEVEL = {critical = 0, high = 1, normal = 2, low = 3, background = 4}
local NAME = '^[%w_.:$-]+$'

local function named(text) return type(text) == 'string' and #text <= 256 and string.match(text, NAME) end

local function takeIn(box, most)
  local found = call('LRANGE', P .. 'f:' .. box.name, 0, most - 1)
  for _, text in ipairs(found) do
    -- No JSON has it, and it is what parts the copies that come with a wake-up.
    local body = string.gsub(text, '\30', '\26')
    local isRead, message = pcall(cjson.decode, body)
    if not isRead or type(message) ~= 'table' then message = {} end
    local id = named(message.id)
    if not id then
      box.token = box.token + 1
      id = 'unread-' .. box.token
    end
    local from, rare = named(message.from) or '', {}
    if type(message.expiresAt) == 'number' then rare.x = message.expiresAt end
    if type(message.key) == 'string' then rare.k = from .. '\n' .. message.key end
    local facts = next(rare) and '\t' .. cjson.encode(rare) or ''
    local created = type(message.createdAt) == 'number' and message.createdAt or now
    local line = (LEVEL[message.priority] or LEVEL.normal) .. '\t' .. (named(message.type) or '') .. '\t' .. whole(created) .. '\t' .. from .. facts
    if makeRoom(box) then
      put(box, id, line .. '\n' .. body, next(rare) and rare)
    else
      refuse(box, id, isRead and body or cjson.encode({id = id, type = ''}), FULL)
    end
  end
  -- Last, as a script that fails is not undone; what comes again is known by its id.
  if #found > 0 then call('LTRIM', P .. 'f:' .. box.name, #found, -1) end
end
`;
