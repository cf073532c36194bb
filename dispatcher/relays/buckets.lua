-- A bucket is a hash: tokens and when they were counted; until when routine and urgent letters have been
-- promised their turn; the imposed limit, the rate that it was halved from, and when; the observed rate.
local BURST = 5        -- seconds' worth of letters that a quiet bucket holds
local WAITED = 30      -- and one that letters wait for, so that those who come late lose nothing
local RESERVE = 0.25   -- of it is for urgent letters only
local LUMP = 100       -- letters at most at once, or a second's worth
local HORIZON = 900    -- seconds; no promise goes further
local GRACE = 5        -- seconds that urgent letters may come late in, with routine ones still kept back
local ONE_EVENT = 10   -- seconds within which all refusals count as one
local RECOVERY = 1.25  -- growth of an imposed limit in every quiet minute
local SLOWEST = 1      -- letters a second; no limit is imposed below
local UNHURRIED = 10   -- letters a second; a refusal at less is taken as one at this rate
local WINDOW = 5       -- seconds that the observed rate looks back over
local KEPT = 86400     -- seconds that an idle bucket is kept, or as long as it takes to fill

local op, now = ARGV[1], tonumber(ARGV[2])
if not now then
  local clock = redis.call('TIME')
  now = clock[1] + clock[2] / 1000000
end
local FIELDS = {'tokens', 'at', 'routine', 'urgent', 'limit', 'from', 'halved', 'seen', 'seen_at', 'since'}

local function size(b, promised)
  return math.max(2, b.rate * (promised and WAITED or BURST))
end

local function read(key, configured)
  local b, values = {key = key, configured = tonumber(configured)}, redis.call('HMGET', key, unpack(FIELDS))
  for i, field in ipairs(FIELDS) do b[field] = tonumber(values[i]) end
  b.routine, b.urgent = b.routine or 0, b.urgent or 0
  b.rate = b.configured
  if b.limit then
    local quiet = math.max(0, math.floor((now - b.halved) / 60))
    b.imposed = b.limit * RECOVERY ^ quiet
    if b.imposed >= (b.configured or 2 * b.from) then
      b.limit, b.from, b.halved, b.imposed = nil, nil, nil, nil
    else
      b.rate = b.imposed
    end
  end
  if b.rate then
    local cap = size(b, math.max(b.routine, b.urgent) >= (b.at or now))
    b.tokens = b.at and math.min(cap, b.tokens + math.max(0, now - b.at) * b.rate) or cap
    b.at = now
  else
    b.tokens, b.at = nil, nil
  end
  return b
end

local function write(b)
  local known, gone = {}, {}
  for _, field in ipairs(FIELDS) do
    if b[field] then
      known[#known + 1] = field
      known[#known + 1] = string.format('%.17g', b[field])
    else
      gone[#gone + 1] = field
    end
  end
  if #gone > 0 then redis.call('HDEL', b.key, unpack(gone)) end
  redis.call('HSET', b.key, unpack(known))
  local filled = b.rate and math.ceil(size(b, true) / b.rate) or 0
  redis.call('EXPIRE', b.key, math.max(KEPT, filled + HORIZON))
end

-- The rate lately: a sum that fades, over the part of the window that it has been fed for.
local function count(b, n)
  if n <= 0 then return end
  if not b.seen or now - b.seen_at > 4 * WINDOW then
    b.seen, b.seen_at, b.since = 0, now, now - 1
  end
  b.seen = b.seen * math.exp((b.seen_at - now) / WINDOW) + n
  b.seen_at = now
end

local function observed(b)
  if not b.seen then return 0 end
  local fed = 1 - math.exp((b.since - b.seen_at) / WINDOW)
  return b.seen / (WINDOW * fed)
end

local function free(b, urgent)
  if not b.rate then return math.huge end
  if not urgent and b.urgent + GRACE > now then return 0 end
  local cap = size(b)
  local left = b.tokens - (urgent and 0 or math.min(RESERVE * cap, cap - 1))
  return math.min(left, math.max(1, b.rate))
end

-- A turn for the next of those who wait: when it comes, for how many letters, and how many are promised it.
local function turn(b, urgent, most, is_promised)
  local lane, letters = urgent and 'urgent' or 'routine', math.max(1, math.min(LUMP, most, math.floor(b.rate * WAITED)))
  local first = math.max(now, urgent and b.urgent or math.max(b.routine, b.urgent + GRACE))
  local at = first + letters / b.rate
  if at > now + HORIZON then
    return HORIZON * (0.8 + 0.2 * (now % 1)), letters, 0
  end
  if not is_promised then return at - now, letters, 0 end
  b[lane] = at
  write(b)
  return at - now, letters, letters
end

-- take: urgent?, letters (0: only look), letters that wait for a turn, whether it is promised to them, the day
-- on which the plan starts, configured rate of each bucket, the day's plan
-- → letters granted, bucket that has none (0: none such, -1: the day), its rate, wait, letters that the wait
-- is for, letters promised, the day
if op == 'take' then
  local urgent, wanted, waiting = ARGV[3] == '1', tonumber(ARGV[4]), tonumber(ARGV[5])
  local is_promised, days, start = ARGV[6] == '1', KEYS[#KEYS], tonumber(ARGV[7])
  local granted, short, buckets = wanted > 0 and math.min(LUMP, wanted) or LUMP, 0, {}
  for i = 1, #KEYS - 1 do
    buckets[i] = read(KEYS[i], ARGV[7 + i])
    local left = math.floor(free(buckets[i], urgent))
    if left < granted then granted, short = left, i end
  end
  local today = math.floor(now / 86400)
  if start then
    local plan = ARGV[7 + #KEYS + today - start]
    local most = today < start and 0 or tonumber(plan)
    if most then
      local kept = urgent and 0 or math.floor(math.min(RESERVE * most, math.max(0, most - 1)))
      local left = most - kept - tonumber(redis.call('HGET', days, today) or 0)
      if left < granted then granted, short = left, -1 end
    end
  end
  if wanted == 0 and short > 0 and granted < math.min(LUMP, buckets[short].rate) / 4 then
    granted = 0 -- not worth touching a batch for
  end
  if granted > 0 then
    if wanted == 0 then return {granted, 0, '', '0', 0, 0, today} end
    for _, b in ipairs(buckets) do
      if b.rate then
        b.tokens = b.tokens - granted
        write(b)
      end
    end
    if start then
      redis.call('HINCRBY', days, today, granted)
      redis.call('HDEL', days, today - 2)
      redis.call('EXPIRE', days, 3 * KEPT)
    end
    return {granted, 0, '', '0', 0, 0, today}
  end
  if short == -1 then
    local night = (today + 1) * 86400 - now
    return {0, -1, '', string.format('%.3f', night + 600 * (now % 1)), 1000000, 0, today}
  end
  local b = buckets[short]
  local wait, letters, promised = turn(b, urgent, waiting, is_promised)
  return {0, short, string.format('%.17g', b.rate), string.format('%.3f', wait), letters, promised, today}

-- give back: urgent?, tokens, bucket of the promise (0: none), letters of it, the day that the tokens are of,
-- configured rate of each bucket
elseif op == 'give back' then
  local urgent, letters, promised, unused = ARGV[3] == '1', tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
  local day = ARGV[7]
  for i = 1, #KEYS - 1 do
    local b = read(KEYS[i], ARGV[7 + i])
    if b.rate then
      b.tokens = b.tokens + letters
      if i == promised then
        local lane = urgent and 'urgent' or 'routine'
        b[lane] = math.max(now, b[lane] - unused / b.rate)
      end
      write(b)
    end
  end
  local used = tonumber(redis.call('HGET', KEYS[#KEYS], day) or 0)
  if used > 0 then redis.call('HINCRBY', KEYS[#KEYS], day, -math.min(used, letters)) end
  return 0

-- halve: configured rate, letters since the last count → the limit from now on
elseif op == 'halve' then
  local b = read(KEYS[1], ARGV[3])
  count(b, tonumber(ARGV[4]))
  if not b.halved or now - b.halved >= ONE_EVENT then
    local rate = math.max(observed(b), UNHURRIED)
    rate = math.min(rate, b.rate or rate)
    b.from = b.from or rate
    b.limit = math.max(math.min(SLOWEST, (b.configured or math.huge) / 8), rate / 2)
    b.halved, b.tokens, b.at = now, 0, now
    b.rate = b.limit
  end
  write(b)
  return string.format('%.17g', b.rate)

-- look: configured rate and letters since the last count of each bucket → the imposed limit of each, or ''
elseif op == 'look' then
  local imposed = {}
  for i = 1, #KEYS do
    local letters = tonumber(ARGV[2 * i + 2])
    local b = read(KEYS[i], ARGV[2 * i + 1])
    if letters > 0 then
      count(b, letters)
      write(b)
    end
    imposed[i] = b.imposed and string.format('%.17g', b.imposed) or ''
  end
  return imposed
end
