/**
 * Hands copies out: process, inbox, consumer, its description, how many, lease, `c` where the consumer's lease covers them
 * and `C` where that begins anew, how many it holds, `1` where it may pass suspects, chosen types as JSON or nothing, `1`
 * where the rest may come with its wake-up.
 */
export const CLAIM = String.raw`
local peer, name, consumer, about, want = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local asked = {consumer = consumer, about = about, want = want, lease = tonumber(ARGV[6]), cover = ARGV[7],
  holds = tonumber(ARGV[8]), passes = ARGV[9] == '1', filter = ARGV[10] ~= '' and cjson.decode(ARGV[10]) or nil}
local box = load(name)
if not box then return {now, 'gone'} end

if call('HEXISTS', P .. 'c:' .. name, consumer) == 0 then
  call('HSET', P .. 'c:' .. name, consumer, about)
  call('SADD', P .. 'q:' .. peer, name .. '\n' .. consumer)
end
if not box.paused and want > 0 and not standsBy(box, asked) then takeIn(box, want) end
local given, sawSuspect = take(box, asked)
local left = want - #given / 4
if left > 0 then await(box, asked, ARGV[11] == '1' and left or 0)
elseif box.hungry then call('HDEL', P .. 'u:' .. name, consumer) end
save()
tellChanges()
announce(peer)
return {now, sawSuspect and 'suspect' or '', unpack(given)}
`;

/** A consumer that waits will look for itself: inbox, consumer. */
export const UNWAIT = `
return call('HDEL', P .. 'u:' .. ARGV[1], ARGV[2])
`;
