-- wrk's script: requests are made once, then taken in turn.
-- Arguments: file of keys, method, path, file of the body or "-".
local requests, at = {}, 0

function init(args)
  local body = nil
  if args[4] ~= "-" then
    local file = io.open(args[4], "rb")
    body = file:read("*a")
    file:close()
  end
  for key in io.lines(args[1]) do
    local headers = {
      ["Host"] = "models.example",
      ["Authorization"] = "Bearer " .. key,
      ["Content-Type"] = "application/json",
      ["Accept"] = "application/json",
      ["User-Agent"] = "OpenAI/Python 2.8.1",
      ["X-Stainless-Lang"] = "python",
    }
    requests[#requests + 1] = wrk.format(args[2], args[3], headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "duration_us": %d, "refused": %d, "broken": %d, "p50_us": %d, "p99_us": %d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
