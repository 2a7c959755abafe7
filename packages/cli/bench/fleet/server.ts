/**
 * The endpoint that fleets are measured against: it shares no code with callstream and its simulator. It has many
 * organizations, each with a key `key-N`, and counts by its own clock what each is asked. Calls are dense by day and rare by
 * night; some start in the same millisecond.
 *
 * node bench/fleet/server.ts SESSIONS LATENCY_MS
 *
 * Each organization has so many sessions. Prints its address, then serves until it is ended.
 *
 * - `GET /times?org=N`: when its requests arrived since this was last asked, in milliseconds of one clock, as JSON.
 * - `GET /ids?org=N`: the ids of its calls, one a line.
 * - `GET /limit?org=N`: from now on it answers 429 to all of its requests.
 */
import { createServer, type ServerResponse } from "node:http"

const sessions = Number(process.argv[2])
const latency = Number(process.argv[3])

const largestPage = 100
const hour = 3_600_000

/** When the calls start, ascending. */
const starts = new Float64Array(sessions)
let next = Date.parse("2026-01-01T00:00:00Z")
for (let n = 0; n < sessions; n++) {
  starts[n] = next
  const time = (next / hour) % 24
  const isDay = time >= 8 && time < 20
  next += n % 97 === 0 ? 0 : isDay ? 1500 + ((n * 7919) % 5000) : 40_000
}

const statuses = ["completed", "completed", "completed", "completed", "failed", "no_answer"]
const channels = ["voice", "web", "sip"]
const digits = (n: number, length: number) => String(n).padStart(length, "0")
const idOf = (org: number, n: number) => `019c${digits(n % 10_000, 4)}-${digits(org, 4)}-7000-8000-${digits(n, 12)}`

const record = (org: number, n: number): string => {
  const start = starts[n] ?? 0
  const seconds = (n * 37) % 130
  const [began, ended] = [start, start + seconds * 1000].map((at) => new Date(at).toISOString())
  return `{"id":"${idOf(org, n)}","agentId":"019b0000-0000-7000-8000-00000000000${n % 9}","organizationId":"2a0e2d3c-4b5a-4968-8776-${digits(org, 12)}","roomId":"call_${n}","callerNumber":"+1415555${digits(n % 10_000, 4)}","calleeNumber":"+14155550199","callerName":"Caller ${n}","callerEmail":"caller${n}@example.com","channel":"${channels[n % 3]}","status":"${statuses[n % 6]}","summary":"The caller asked about order ${n}. The agent explained the terms of a refund, wrote to caller${n}@example.com, and passed the call on to the billing desk.","metadata":{"campaign":"spring","attempt":${n % 4},"tags":["new","west"]},"errorMessage":"","disconnectReason":"user_hangup","promptDynamicVariables":{"product":"plan ${n % 12}"},"extractDynamicVariables":${n % 2 === 1 ? "null" : '{"intent":"refund","score":0.92}'},"callLatencyMs":${300 + (n % 500)},"startedAt":"${began}","endedAt":"${ended}","durationSec":${seconds},"createdAt":"${began}","costTotal":"0.0345","agentName":"Agent ${n % 9}","postCallAnalysisResult":{"sentiment":{"type":"enum","value":"positive"}},"creditBreakdown":{"channel":"voice","duration_sec":${seconds},"total_credits":2}}`
}

/** The number of calls that start before a time. */
const before = (time: number): number => {
  let low = 0
  let high = sessions
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] ?? 0) < time) low = middle + 1
    else high = middle
  }
  return low
}

/** Both bounds belong to the range. */
const answer = (org: number, search: URLSearchParams): string => {
  const from = before(Date.parse(search.get("started_after") ?? "2000-01-01T00:00:00Z"))
  const to = before(Date.parse(search.get("started_before") ?? "2100-01-01T00:00:00Z") + 1)
  const size = Math.min(largestPage, Number(search.get("page_size") ?? 20))
  const skip = (Number(search.get("page") ?? 1) - 1) * size
  const count = Math.max(0, Math.min(size, to - from - skip))
  const isAscending = search.get("sort_order") === "asc"
  const rows = Array.from({ length: count }, (_, i) => record(org, isAscending ? from + skip + i : to - 1 - skip - i))
  return `{"success":true,"message":"ok","data":{"callSessions":[${rows.join(",")}]}}`
}

const times = new Map<number, Array<number>>()
const limited = new Set<number>()

/** For who measures; `undefined` for all other paths. */
const measured = (url: URL): string | undefined => {
  const org = Number(url.searchParams.get("org"))
  switch (url.pathname) {
    case "/times": {
      const found = times.get(org) ?? []
      times.set(org, [])
      return JSON.stringify(found)
    }
    case "/ids":
      return Array.from({ length: sessions }, (_, n) => idOf(org, n)).join("\n")
    case "/limit":
      limited.add(org)
      return ""
    default:
      return undefined
  }
}

const send = (response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}) => {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...headers
  })
  response.end(body)
}

const server = createServer((request, response) => {
  const at = performance.now()
  const url = new URL(request.url ?? "/", "http://127.0.0.1")
  const own = measured(url)
  if (own !== undefined) return void response.end(own)
  const [, number] = /^key-(\d+)$/.exec(String(request.headers["x-api-key"])) ?? []
  if (number === undefined) {
    return send(response, 401, '{"code":16,"message":"API key is missing or invalid","details":[]}')
  }
  const org = Number(number)
  const known = times.get(org)
  if (known === undefined) times.set(org, [at])
  else known.push(at)
  setTimeout(() => {
    if (limited.has(org)) send(response, 429, '{"success":false,"message":"slow down"}', { "retry-after": "1" })
    else send(response, 200, answer(org, url.searchParams))
  }, latency)
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address !== null) console.log(`http://127.0.0.1:${address.port}`)
})
