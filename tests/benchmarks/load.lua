-- One script for every flow. tests/benchmarks/load.py sets the variables; {item} stands for a token or code.
local path, body = os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
local method, authorization = os.getenv("BENCH_METHOD"), os.getenv("BENCH_AUTHORIZATION")
local kind, file = os.getenv("BENCH_KIND"), os.getenv("BENCH_ITEMS")
local proof = os.getenv("BENCH_PROOF") ~= ""

local items, first, last = {}, 1, 0
local worker
ran_out = 0 -- requests there was no code or token for; global, so that `done` can ask for it

local function add(item)
  last = last + 1
  items[last] = item
end

local function encoded(text)
  return (text:gsub("[^%w._~-]", function(char) return string.format("%%%02X", char:byte()) end))
end

local function put(template, item)
  return (template:gsub("{item}", function() return item end))
end

local function built(item)
  local headers = {}
  if authorization ~= "" then headers["Authorization"] = put(authorization, item) end
  if proof then headers["DPoP"] = item end
  if body == "" then return wrk.format(method, path, headers) end
  headers["Content-Type"] = "application/x-www-form-urlencoded"
  return wrk.format(method, path, headers, put(body, encoded(item)))
end

local constant

function setup(thread) worker = thread end

function init()
  if file ~= "" then
    for line in io.lines(file) do add(line) end
  end
  if kind == "none" then constant = built("") end
end

function request()
  if constant then return constant end
  if kind == "cycle" then
    local item = items[first]
    first = first % last + 1
    return built(item)
  end
  local item = items[first]
  if not item then
    ran_out = ran_out + 1
    return built("ran-out")
  end
  items[first] = nil
  first = first + 1
  return built(item)
end

if kind == "chain" then
  function response(_, _, answer)
    local token = answer:match('"refresh_token"%s*:%s*"([^"]+)"')
    if token then add(token) end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("FIGURES %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    worker:get("ran_out")))
end
