"""The Lua scripts of the Redis stores: one for each operation, each one atomic step.

A session is a hash. Fields ``k:NAME`` hold entries as ``DEADLINE:TEXT``, the deadline empty where
there is none; fields ``m:`` hold the facts. A marker is a hash with ``m:to``. The time is ours,
never the server's: scripts get it as their first argument. Every write sets the key to expire
``lag`` seconds after its session's end, which only cleans up.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Script(NamedTuple):
    """A script's text and the SHA-1 under which Redis keeps it (an address, not a secret)."""

    text: str
    sha: str


_STANDING = """
local now, lag = tonumber(ARGV[1]), tonumber(ARGV[2])

-- What is under a key: 'live', 'marker' (with its target and grace), 'expired', or nothing.
local function standing(key)
    local to, grace, ends, rid, created, idle, absolute = unpack(redis.call('HMGET', key,
        'm:to', 'm:grace', 'm:ends', 'm:rid', 'm:created', 'm:idle', 'm:absolute'))
    if to then
        if grace and ends and tonumber(ends) > now then return 'marker', to, tonumber(grace) end
    elseif rid and created and idle and absolute then
        local is_live = tonumber(idle) > now and tonumber(absolute) > now
        return is_live and 'live' or 'expired'
    end
end

local function is_taken(what)
    return what == 'live' or what == 'marker'
end

-- The answer where no live session stands.
local function dead(what, to, grace)
    if what == 'marker' and grace > now then return {'moved', to} end
    return {'gone'}
end

local function revision(key)
    return table.concat(redis.call('HMGET', key, 'm:rid', 'm:rev'), ' ')
end

local function ends_with_its_deadline(key)
    local idle, absolute = unpack(redis.call('HMGET', key, 'm:idle', 'm:absolute'))
    redis.call('EXPIREAT', key, math.min(tonumber(idle), tonumber(absolute)) + lag)
end

-- Store the fields and values that begin at ARGV[first] under a key that holds nothing.
local function put(key, first)
    redis.call('DEL', key)
    for n = first, #ARGV, 2 do redis.call('HSET', key, ARGV[n], ARGV[n + 1]) end
    ends_with_its_deadline(key)
end

local function is_repeat(key, what, nonce)
    return what == 'live' and nonce ~= '' and redis.call('HGET', key, 'm:nonce') == nonce
end
"""

_LOAD = """
local what, to, grace = standing(KEYS[1])
if what == 'live' then return {'live', redis.call('HGETALL', KEYS[1])} end
if what == 'expired' then return {'expired'} end
return dead(what, to, grace)
"""

_CREATE = """
local what = standing(KEYS[1])
if is_repeat(KEYS[1], what, ARGV[3]) then return {'ok'} end
if is_taken(what) then return {'conflict'} end
put(KEYS[1], 4)
return {'ok'}
"""

_UPDATE = """
local key = KEYS[1]
local nonce, idle, rid, clear, limit = ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1', tonumber(ARGV[7])
local at = 8

local function next_argument()
    at = at + 1
    return ARGV[at - 1]
end

-- The text of an entry and whether it has not ended; all of what is in no form of ours.
local function parsed(value)
    local deadline, text = string.match(value, '^(%d*):(.*)$')
    if not text then return value, true end
    return text, deadline == '' or tonumber(deadline) > now
end

local function weight(field, value)
    return #field - 2 + #parsed(value)
end

local what, to, grace = standing(key)
if what ~= 'live' then return dead(what, to, grace) end
if rid ~= '' and redis.call('HGET', key, 'm:rid') ~= rid then return {'gone'} end

for _ = 1, tonumber(next_argument()) do
    local field, is_there, expected = next_argument(), next_argument() == '1', next_argument()
    local value = redis.call('HGET', key, field)
    local text, alive
    if value then text, alive = parsed(value) end
    if (alive or false) ~= is_there or (is_there and text ~= expected) then return {'conflict'} end
end

local changed = {}
for _ = 1, tonumber(next_argument()) do changed[next_argument()] = false end
for n = at, #ARGV, 2 do changed[ARGV[n]] = ARGV[n + 1] end

local size = clear and 0 or tonumber(redis.call('HGET', key, 'm:size'))
for field, value in pairs(changed) do
    local before = not clear and redis.call('HGET', key, field)
    if before then size = size - weight(field, before) end
    if value then size = size + weight(field, value) end
end
if size > limit and not clear then
    local all = redis.call('HGETALL', key)
    for n = 1, #all, 2 do
        local field, value = all[n], all[n + 1]
        if string.sub(field, 1, 2) == 'k:' and changed[field] == nil then
            local _, alive = parsed(value)
            if not alive then
                changed[field] = false
                size = size - weight(field, value)
            end
        end
    end
end
if size > limit then return {'large', size} end

if clear then
    for _, field in ipairs(redis.call('HKEYS', key)) do
        if string.sub(field, 1, 2) == 'k:' then redis.call('HDEL', key, field) end
    end
end
for field, value in pairs(changed) do
    if value then redis.call('HSET', key, field, value) else redis.call('HDEL', key, field) end
end
redis.call('HSET', key, 'm:nonce', nonce, 'm:size', size)
redis.call('HINCRBY', key, 'm:rev', 1)
if idle ~= '' then redis.call('HSET', key, 'm:idle', idle) end
ends_with_its_deadline(key)
return {'ok'}
"""

_ROTATE = """
local old, new = KEYS[1], KEYS[2]
local target = standing(new)
if is_repeat(new, target, ARGV[3]) then return {'ok'} end
local what, to, grace = standing(old)
if what ~= 'live' then return dead(what, to, grace) end
if is_taken(target) or revision(old) ~= ARGV[4] then return {'conflict'} end
local user, rid = unpack(redis.call('HMGET', old, 'm:user', 'm:rid'))
put(new, 8)
redis.call('DEL', old)
redis.call('HSET', old, 'm:to', ARGV[5], 'm:grace', ARGV[6], 'm:ends', ARGV[7])
redis.call('EXPIREAT', old, tonumber(ARGV[7]) + lag)
return {'ok', user, rid}
"""

_DELETE = """
local what, to = standing(KEYS[1])
if what == 'marker' then return {'moved', to} end
local user, rid = unpack(redis.call('HMGET', KEYS[1], 'm:user', 'm:rid'))
redis.call('DEL', KEYS[1])
return {what == 'live' and 'deleted' or 'absent', user, rid}
"""

_ENLIST = """
local now, lag = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - lag)
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[3])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
redis.call('EXPIREAT', KEYS[1], tonumber(last) + lag)
return {'ok'}
"""

_DELIST = """
redis.call('ZREM', KEYS[1], ARGV[3])
return {'ok'}
"""

_LISTED = """
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf')
"""


def _script(body: str, *, before: str = "") -> Script:
    text = before + body
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


LOAD = _script(_LOAD, before=_STANDING)
CREATE = _script(_CREATE, before=_STANDING)
UPDATE = _script(_UPDATE, before=_STANDING)
ROTATE = _script(_ROTATE, before=_STANDING)
DELETE = _script(_DELETE, before=_STANDING)
ENLIST = _script(_ENLIST)
DELIST = _script(_DELIST)
LISTED = _script(_LISTED)
